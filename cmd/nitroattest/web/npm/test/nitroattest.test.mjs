// Tests of the package as it is installed. TESTDATA is the directory testdata of
// the repository, VERDICTS a file with what `nitroattest verify --json` says of
// its recorded documents. .ci/web runs them.
import assert from "node:assert/strict";
import { openAsBlob, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { Worker } from "node:worker_threads";

const globalsBefore = Reflect.ownKeys(globalThis);
const { load, MeasureError, SettingsError } = await import("nitroattest");

const testdata = process.env.TESTDATA;
const evidence = (name) => readFileSync(join(testdata, "evidence", name));
const policy = (name) => readFileSync(join(testdata, "evidence/policies", name), "utf8");
const weather = evidence("nautilus-weather-7e9164.cbor");
const weatherPolicy = policy("nautilus-weather.json");
const anyImage = { insecure_any_image: true, recorded: true };

const began = performance.now();
const verifier = await load();
console.log(`loaded in ${Math.round(performance.now() - began)} ms`);

test("a recorded document is accepted", () => {
  const report = verifier.appraise(weather, { policy: weatherPolicy, recorded: true });
  assert.equal(report.accepted, true);
  assert.equal(report.authentic, true);
  assert.equal(report.image.name, "nautilus-weather");
  assert.equal(report.document.module_id, "i-06e4b98c6549ff803-enc0196373b195fb723");
  assert.equal(report.reason, "");
  assert.equal(report.policy, null);
  assert.equal(report.chain.length, 5);
});

test("documents come in every form, policies as text and as objects", () => {
  const settings = { policy: JSON.parse(weatherPolicy), recorded: true };
  const copy = new Uint8Array(weather.length + 8);
  copy.set(weather, 3);
  for (const form of [
    weather.toString("base64"), weather.toString("hex"), JSON.stringify({ attestation_document: weather.toString("base64") }),
    Uint8Array.from(weather).buffer, new DataView(copy.buffer, 3, weather.length), Buffer.from(weather.toString("base64url")),
  ]) {
    assert.equal(verifier.appraise(form, settings).accepted, true, typeof form);
  }
  for (const none of [undefined, null, 1, {}, [1, 2]]) assert.throws(() => verifier.appraise(none, settings), TypeError);
});

test("refusals have a reason", () => {
  const appraise = (settings, document = weather) => verifier.appraise(document, settings);
  const changed = Uint8Array.from(weather);
  changed[changed.length - 1] ^= 1;
  for (const [settings, reason, document] of [
    [{ policy: policy("turnkey.json"), recorded: true }, "measurement-mismatch"],
    [{ policy: weatherPolicy, max_age: 300 }, "certificate-expired"],
    [{ policy: weatherPolicy, max_age: 1, at: "2025-04-15T03:00:00Z" }, "stale"],
    [{ policy: weatherPolicy, max_age: 1, at: new Date("2025-04-15T03:00:00Z") }, "stale"],
    [{ policy: weatherPolicy, recorded: true, nonce: "00" }, "nonce-mismatch"],
    [{ policy: weatherPolicy, recorded: true, nonce: Uint8Array.of(0) }, "nonce-mismatch"],
    [{ policy: weatherPolicy, recorded: true, user_data: "" }, "user-data-mismatch"],
    [{ policy: weatherPolicy, recorded: true, no_public_key: true }, "public-key-mismatch"],
    [{ policy: weatherPolicy, recorded: true, partition: "aws-us-gov" }, "untrusted-root"],
    [{ policy: weatherPolicy, recorded: true, denied: ["i-06e4b98c6549ff803"] }, "certificate-revoked"],
    [{ ...anyImage, kind: "nitrotpm" }, "wrong-document-kind"],
    [anyImage, "bad-signature", changed],
    [anyImage, "malformed-evidence", weather.subarray(0, 100)],
  ]) {
    const report = appraise(settings, document);
    assert.equal(report.accepted, false, reason);
    assert.equal(report.reason, reason);
    assert.equal(report.image, null, reason);
  }
  const none = appraise(anyImage, "no document!");
  assert.deepEqual([none.accepted, none.authentic, none.reason, none.checks], [false, false, "", []]);
  assert.match(none.detail, /neither hex, base64 nor JSON/);
  assert.equal(appraise({ ...anyImage, public_key: appraise(anyImage).document.public_key }).accepted, true);
});

test("settings that cannot be used are errors, and nothing is left out", () => {
  for (const [settings, setting] of [
    [{ recorded: true }, "policy"],
    [{ insecure_any_image: true }, "recorded"],
    [{}, "policy"],
    [{ ...anyImage, nonse: "00" }, "nonse"],
    [{ ...anyImage, Nonce: "00" }, "Nonce"],
    [{ ...anyImage, nonce: undefined }, "nonce"],
    [{ ...anyImage, nonce: null }, "nonce"],
    [{ ...anyImage, nonce: 1 }, "nonce"],
    [{ ...anyImage, nonce: "" }, "nonce"],
    [{ ...anyImage, nonce: new Uint8Array() }, "nonce"],
    [{ ...anyImage, nonce: "0" }, "nonce"],
    [{ ...anyImage, nonce: () => "00" }, "nonce"],
    [{ insecure_any_image: true, max_age: Number.NaN }, "max_age"],
    [{ insecure_any_image: true, max_age: 0 }, "max_age"],
    [{ insecure_any_image: true, max_age: 1.5 }, "max_age"],
    [{ insecure_any_image: true, max_age: "300" }, "max_age"],
    [{ insecure_any_image: true, max_age: 300n }, "max_age"],
    [{ ...anyImage, recorded: "true" }, "recorded"],
    [{ ...anyImage, policy: weatherPolicy }, "insecure_any_image"],
    [{ recorded: true, policy: { images: new Map() } }, "policy"],
    [{ recorded: true, policy: { images: [{ name: "v1", pcrs: { 0: undefined } }] } }, "policy"],
    [{ recorded: true, policy: { images: [] } }, "policy"],
    [{ recorded: true, policy: weatherPolicy, policy_keys: "no keys" }, "policy_keys"],
    [{ ...anyImage, at: new Date(Number.NaN) }, "at"],
    [{ ...anyImage, crls: [] }, "crls"],
    [{ ...anyImage, crls: [Uint8Array.of(1)] }, "crls"],
    [{ ...anyImage, roots: "none" }, "roots"],
    ["{", ""],
    [null, ""],
    [[], ""],
  ]) {
    for (const call of [() => verifier.appraise(weather, settings)]) {
      assert.throws(call, (err) => {
        assert.ok(err instanceof SettingsError, `${setting}: ${err}`);
        assert.ok(err.mistakes.some((mistake) => mistake.setting === setting), `${setting}: ${JSON.stringify(err.mistakes)}`);
        return true;
      });
    }
  }
});

test("all mistakes are told at once", () => {
  assert.throws(() => verifier.appraise(weather, { kind: "tdx", max_age: -1, nonse: "" }), (err) => {
    assert.deepEqual(err.mistakes.map((mistake) => mistake.setting).sort(), ["kind", "max_age", "nonse", "policy"]);
    return true;
  });
});

test("the verdicts are those of the command", { skip: !process.env.VERDICTS }, () => {
  const lines = readFileSync(process.env.VERDICTS, "utf8").trim().split("\n").map((line) => JSON.parse(line));
  assert.ok(lines.length > 40);
  for (const { file, ...want } of lines) {
    const { hint, policy, ...found } = verifier.appraise(readFileSync(file), { ...anyImage, insecure_allow_debug: true });
    assert.deepEqual(found, want, file);
  }
});

test("a report", async () => {
  const name = `<img src=x onerror=alert(1)>\u202e.cbor`;
  const settings = { policy: weatherPolicy, recorded: true };
  const html = await verifier.report([{ name, data: weather }, { name: "none", data: "nothing" }], settings);
  assert.match(html, /1 of 2 documents accepted/);
  assert.match(html, /Content-Security-Policy" content="default-src &#39;none&#39;;/);
  assert.ok(!html.includes("<img"));
  assert.ok(!html.includes("\u202e"));
  await assert.rejects(verifier.report([], settings), /found no document/);
  await assert.rejects(verifier.report([{ data: weather }], settings), TypeError);
  await assert.rejects(verifier.report([{ name, data: weather }], {}), SettingsError);
});

test("image files are measured in pieces", async () => {
  const expected = JSON.parse(readFileSync(join(testdata, "eif/expected.json"), "utf8")).images.v4_unsigned.by_offsets;
  const offsets = [];
  const blob = await openAsBlob(join(testdata, "eif/v4_unsigned.eif"));
  const found = await verifier.measure(blob, { onprogress: (offset, size) => offsets.push(offset / size) });
  assert.equal(found.kind, "enclave");
  for (const register of ["PCR0", "PCR1", "PCR2"]) assert.equal(found.policy.Measurements[register], expected[register]);
  assert.ok(offsets.length > 0);
  assert.equal(verifier.appraise(weather, { policy: found.policy, recorded: true }).reason, "measurement-mismatch");
  await assert.rejects(verifier.measure(await openAsBlob(join(testdata, "eif/trailing_ramdisk_hidden.eif"))), { name: "MeasureError", reason: "walks-differ" });
  await assert.rejects(verifier.measure(weather), (err) => err instanceof MeasureError && err.reason !== "");
  await assert.rejects(verifier.measure(new Uint8Array()), MeasureError);
  await assert.rejects(verifier.measure(blob, { kind: "tdx" }), /kind: found "tdx"/);
  await assert.rejects(verifier.measure(blob, { kernel: "measured" }), /kernel/);
  assert.throws(() => verifier.measure(blob, { kinds: "enclave" }), TypeError);
  await assert.rejects(verifier.measure(blob, { signal: AbortSignal.abort() }), { name: "AbortError" });
});

test("a large file is read piece by piece, and a kernel image is measured too", async () => {
  // A file that is asked for in pieces and never there as a whole.
  let most = 0;
  const size = 64 << 20;
  const blob = {
    size,
    slice(from, to) {
      most = Math.max(most, to - from);
      return new Blob([new Uint8Array(Math.min(to, size) - from)]);
    },
  };
  await assert.rejects(verifier.measure(blob), MeasureError);
  const failing = { size, slice: () => ({ arrayBuffer: () => Promise.reject(new Error("the disk is gone")) }) };
  await assert.rejects(verifier.measure(failing), /the disk is gone/);
  assert.ok(most <= 1 << 20);
  const found = await verifier.measure(await openAsBlob(join(testdata, "uki/standard.efi")), { kind: "nitrotpm" });
  assert.match(found.policy.Measurements.PCR4, /^[0-9a-f]{96}$/);
});

test("files are told apart", () => {
  assert.equal(verifier.identify(weather), "document");
  assert.equal(verifier.identify(weather.toString("base64")), "document");
  assert.equal(verifier.identify(weatherPolicy), "policy");
  assert.equal(verifier.identify("MZ"), "kernel-image");
  assert.equal(verifier.identify(".eif"), "enclave-image");
  assert.equal(verifier.identify('{"payloadType": "a", "payload": "b"}'), "signed-policy");
  assert.equal(verifier.identify("-----BEGIN PUBLIC KEY-----"), "public-keys");
  assert.equal(verifier.identify("hello"), "unknown");
  assert.equal(verifier.identify(""), "unknown");
});

test("whatever comes, the verifier goes on", () => {
  const bytes = Uint8Array.from(weather);
  for (let i = 0; i < 300; i++) {
    const hostile = bytes.slice(0, 1 + ((i * 7919) % bytes.length));
    hostile[(i * 104729) % hostile.length] ^= 1 << (i % 8);
    assert.equal(verifier.appraise(hostile, anyImage).accepted, false);
    verifier.identify(hostile);
  }
  assert.equal(verifier.appraise("[".repeat(500000), anyImage).accepted, false);
  assert.equal(verifier.appraise(new Uint8Array(2 << 20), anyImage).accepted, false);
  assert.equal(verifier.appraise(weather, anyImage).accepted, true);
});

test("the global scope is left alone", () => {
  // Node adds symbols of its own when fetch or Response is first named.
  assert.deepEqual(Reflect.ownKeys(globalThis).filter((key) => typeof key === "string" && !globalsBefore.includes(key)), []);
});

test("in a worker", async () => {
  const source = `
    import { parentPort, workerData } from "node:worker_threads";
    const { load } = await import(workerData.module);
    const verifier = await load();
    parentPort.postMessage(verifier.appraise(workerData.document, { insecure_any_image: true, recorded: true }).accepted);`;
  const worker = new Worker(new URL(`data:text/javascript,${encodeURIComponent(source)}`), {
    workerData: { module: import.meta.resolve("nitroattest"), document: new Uint8Array(weather) },
  });
  const accepted = await new Promise((resolve, reject) => worker.once("message", resolve).once("error", reject));
  assert.equal(accepted, true);
  await worker.terminate();
});

test("what is in the package", () => {
  const here = new URL(".", import.meta.resolve("nitroattest"));
  const names = readdirSync(here).sort();
  assert.deepEqual(names, [
    "LICENSE", "LICENSE-go", "README.md", "THIRD_PARTY_NOTICES.md", "go.js", "nitroattest-report.wasm",
    "nitroattest.d.ts", "nitroattest.js", "nitroattest.wasm", "package.json",
  ]);
});

test("times, for the record", () => {
  const settings = { policy: weatherPolicy, recorded: true };
  verifier.appraise(weather, settings);
  const began = performance.now();
  for (let i = 0; i < 20; i++) verifier.appraise(weather, settings);
  console.log(`a document of a known chain in ${((performance.now() - began) / 20).toFixed(1)} ms`);
});
