// A verifier of AWS Nitro attestation documents. It covers what
// testdata/vectors/README.md asks for but revocation lists.
import { verify as verifySignature } from "node:crypto";
import { nameOf, verifyChain } from "./certificates.js";
import { hex } from "./der.js";
import { parseDocument } from "./document.js";
import { matching, usablePolicy } from "./policy.js";
import { require } from "./refusal.js";

export { readPolicy } from "./policy.js";
export { Refusal } from "./refusal.js";

const skew = 60_000; // milliseconds by which clocks may differ

// Unsupported is thrown for what this verifier cannot judge.
export class Unsupported extends Error {}

// verify returns the name of the image that a document matches, or throws a
// Refusal. config and expectation have the form of the vectors, with root and
// policy themselves; now is in milliseconds since 1970.
export function verify(evidence, config, expectation, now) {
  if (config.revocation?.crls.length > 0 || config.revocation?.unknown === "refuse") throw new Unsupported("revocation lists");
  const images = usablePolicy(config.policy, config.kind);
  const document = parseDocument(evidence, config.kind);
  const { chain, leaf, key } = verifyChain(document, config.root, now, skew);
  checkDenied(config.revocation, document, chain);
  const signed = verifySignature("sha384", document.signed, { key, dsaEncoding: "ieee-p1363" }, document.signature);
  require(signed, "bad-signature", "the leaf did not sign the document");
  checkFreshness(document, leaf, expectation, now);
  return checkRegisters(document, images, expectation);
}

function checkDenied(revocation, document, chain) {
  if (!revocation) return;
  const instance = document.moduleID.slice(0, document.moduleID.lastIndexOf("-"));
  const denied =
    revocation.modules.some((id) => id === document.moduleID || id === instance) ||
    chain.some((certificate) =>
      revocation.certificates.some((id) => id.issuer === nameOf(certificate.issuer) && id.serial === (hex(certificate.serial).replace(/^0+/, "") || "0")),
    );
  require(!denied, "certificate-revoked", "the module or a certificate is denied");
}

function checkFreshness(document, leaf, expectation, now) {
  checkField(document.nonce, expectation.nonce, "nonce-mismatch");
  const { timestamp } = document;
  if (expectation.maxAgeSeconds !== null) {
    require(now - timestamp <= expectation.maxAgeSeconds * 1000, "stale", "the document is too old");
  }
  const within = timestamp >= leaf.notBefore && timestamp <= leaf.notAfter + 999;
  require(timestamp <= now + skew && within, "timestamp-out-of-range", "the document is of the future, or of a time when its leaf was not valid");
}

function checkRegisters(document, images, expectation) {
  const value = (register) => document.registers.get(register);
  if (document.kind === "enclave") {
    const debug = [0, 1, 2].some((register) => value(register)?.every((byte) => byte === 0));
    require(!debug, "debug-mode", "the enclave is in debug mode");
  }
  const image = matching(images, document.registers);
  require(image, "measurement-mismatch", "the registers match no image");
  const expected = expectation.pcrs ?? {};
  for (const register of image.exchange) require(String(register) in expected, "register-mismatch", `nothing is expected of register ${register}`);
  for (const [register, digits] of Object.entries(expected)) {
    const found = value(Number(register));
    require(found && hex(found) === digits, "register-mismatch", `register ${register}`);
  }
  checkField(document.user_data, expectation.userData, "user-data-mismatch");
  checkField(document.public_key, expectation.publicKey, "public-key-mismatch");
  require(!expectation.noUserData || document.user_data === null, "user-data-mismatch", "expected none");
  require(!expectation.noPublicKey || document.public_key === null, "public-key-mismatch", "expected none");
  return image.name;
}

function checkField(found, expected, reason) {
  if (expected === null) return;
  require(found !== null && hex(found) === expected, reason, "not what was expected");
}
