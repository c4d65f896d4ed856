// Measures how long the package takes to load and to appraise a document of a
// known chain, in Node, in Chromium and natively:
//
//	node times.mjs DIR
//
// DIR is what "go run ./cmd/nitroattest/web/build DIR" wrote. It needs Go for the
// native time, and skips Chromium where there is none. All times are the shortest
// of several: the others tell of what else the machine did.
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { createServer } from "node:http";
import { dirname, extname, join, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { Browser } from "./page/test/browser.mjs";

const web = dirname(fileURLToPath(import.meta.url));
const npm = resolve(process.argv[2] ?? "", "npm");
if (!process.argv[2] || !existsSync(join(npm, "nitroattest.wasm"))) {
  console.error("usage: node times.mjs DIR, where DIR is what the build wrote");
  process.exit(2);
}
const testdata = join(web, "../../../testdata");
const evidence = readFileSync(join(testdata, "evidence/nautilus-weather-7e9164.cbor")).toString("base64");
const policy = readFileSync(join(testdata, "evidence/policies/nautilus-weather.json"), "utf8");

// measure runs in Node and in the browser, which translates the program again
// once it knows what is used often.
async function measure(load, now, evidence, policy) {
  const loads = [], calls = [];
  let verifier;
  for (let i = 0; i < 5; i++) {
    const start = now();
    verifier = await load();
    loads.push(now() - start);
  }
  const settings = { policy, recorded: true };
  for (let i = 0; i < 300; i++) {
    const start = now();
    if (!verifier.appraise(evidence, settings).accepted) throw new Error("the document was refused");
    calls.push(now() - start);
    await new Promise((resume) => setTimeout(resume));
  }
  return { loaded: Math.min(...loads), known: Math.min(...calls) };
}

function native() {
  const out = execFileSync("go", ["test", "-run", "^$", "-bench", "KnownChain", "-benchtime", "10x", "-count", "20", "./internal/api"], { cwd: web, encoding: "utf8" });
  return Math.min(...[...out.matchAll(/ (\d+(?:\.\d+)?) ns\/op/g)].map((found) => Number(found[1]) / 1e6));
}

async function inNode() {
  const { load } = await import(pathToFileURL(join(npm, "nitroattest.js")));
  return measure(load, () => performance.now(), evidence, policy);
}

async function inChromium() {
  const types = { ".js": "text/javascript", ".wasm": "application/wasm" };
  const server = createServer((request, response) => {
    const name = /^\/npm\/([a-z.-]+)$/.exec(request.url)?.[1];
    response.setHeader("Content-Type", types[extname(request.url)] ?? "text/html");
    response.end(name ? readFileSync(join(npm, name)) : `<!doctype html><script type="module">import { load } from "/npm/nitroattest.js"; window.load = load;</script>`);
  });
  await new Promise((done) => server.listen(0, "127.0.0.1", done));
  const browser = new Browser(process.env.CHROMIUM ?? "chromium");
  try {
    await browser.open(`http://127.0.0.1:${server.address().port}/`);
    await browser.until(`"load" in window`);
    return await browser.run(`(${measure})(load, () => performance.now(), ${JSON.stringify(evidence)}, ${JSON.stringify(policy)})`);
  } finally {
    await browser.close();
    server.close();
    server.closeAllConnections();
  }
}

const ms = (x) => `${x.toFixed(1)} ms`;
const say = (name, found, base) =>
  console.log(`${name}: loads in ${ms(found.loaded)}, known chain ${ms(found.known)}, ${(found.known / base).toFixed(1)} times native`);

const node = await inNode();
let chromium;
try {
  execFileSync(process.env.CHROMIUM ?? "chromium", ["--version"], { stdio: "ignore" });
  chromium = await inChromium();
} catch (err) {
  if (err.code !== "ENOENT") throw err;
  console.log("SKIPPED: there is no chromium here");
}
const base = native();
console.log(`native: known chain ${ms(base)}`);
say(`Node ${process.versions.node}`, node, base);
if (chromium) say("Chromium", chromium, base);
