// Lets the conformance kit of testdata/vectors grade the package as it is
// installed: go run ./internal/conformance -- node conformance.mjs
import { createInterface } from "node:readline";
import { load, SettingsError } from "nitroattest";

const verifier = await load();
const ever = 3_000_000_000; // seconds: older than any document

function settingsOf({ config, expectation, time }) {
  const settings = { kind: config.kind, policy: config.policy, roots: config.root, at: time };
  if (expectation.nonce !== null) settings.nonce = expectation.nonce;
  if (expectation.maxAgeSeconds !== null) settings.max_age = expectation.maxAgeSeconds;
  else if (expectation.nonce === null) settings.max_age = ever;
  if (expectation.userData !== null) settings.user_data = expectation.userData;
  if (expectation.publicKey !== null) settings.public_key = expectation.publicKey;
  if (expectation.noUserData) settings.no_user_data = true;
  if (expectation.noPublicKey) settings.no_public_key = true;
  if (expectation.pcrs) settings.pcrs = expectation.pcrs;
  const { revocation } = config;
  if (!revocation) return settings;
  const denied = [...revocation.modules, ...revocation.certificates];
  if (denied.length > 0) settings.denied = denied;
  if (revocation.crls.length > 0) {
    settings.crls = revocation.crls;
    settings.missing_crl = revocation.unknown === "accept" ? "insecure-accept" : "refuse";
  } else if (revocation.unknown === "refuse") {
    return null; // there is no setting for that
  }
  return settings;
}

function judge(one) {
  if (one.type === "policy") {
    try {
      verifier.appraise("", { kind: one.kind, policy: one.policyText, recorded: true });
      return { result: "valid" };
    } catch (err) {
      if (err instanceof SettingsError && err.mistakes.every(({ setting }) => setting === "policy")) return { result: "invalid" };
      throw err;
    }
  }
  const settings = settingsOf(one);
  if (!settings) return { result: "unsupported" };
  const report = verifier.appraise(Buffer.from(one.evidence, "base64"), settings);
  return report.accepted ? { result: "valid", image: report.image.name } : { result: "invalid", reason: report.reason };
}

for await (const line of createInterface({ input: process.stdin })) {
  const one = JSON.parse(line);
  process.stdout.write(`${JSON.stringify({ tcId: one.tcId, ...judge(one) })}\n`);
}
