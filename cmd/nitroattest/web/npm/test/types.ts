// Compiled, and not run: the types of the package fit their use.
import { load, SettingsError, MeasureError, type Settings, type Report } from "nitroattest";
const verifier = await load();
const settings: Settings = { policy: { images: [{ name: "v1", pcrs: { "0": "00" } }] }, nonce: new Uint8Array(2), max_age: 300 };
const report: Report = verifier.appraise(new Uint8Array(), settings);
if (!report.accepted) console.log(report.reason, report.hint, report.document?.module_id);
const html: string = await verifier.report([{ name: "a", data: "b" }], settings);
const found = await verifier.measure(new Blob([]), { kind: "nitrotpm", kernel: "measured", signal: AbortSignal.timeout(5), onprogress: (a, b) => console.log(a / b) });
const again: Settings = { policy: found.policy, recorded: true, denied: ["i-0", { issuer: "CN=a", serial: "00" }] };
console.log(html, again, verifier.identify("x") === "document", verifier.version);
try { verifier.appraise("", {}); } catch (err) { if (err instanceof SettingsError) console.log(err.mistakes[0].hint); if (err instanceof MeasureError) console.log(err.reason); }
// @ts-expect-error: unknown key
const wrong: Settings = { nonse: "00" };
// @ts-expect-error: type
const wrong2: Settings = { max_age: "5m" };
// @ts-expect-error: version is read-only
verifier.version = "x";
// @ts-expect-error: no such function
verifier.accept();
console.log(wrong, wrong2);
await load(fetch("x")); await load(new Uint8Array(1)); await load({} as WebAssembly.Module, new ArrayBuffer(1));
