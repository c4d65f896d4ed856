// Tests of the package in a browser, on a page and in a worker, as a server
// gives it out. PACKAGE is its directory, TESTDATA the directory testdata of the
// repository, CHROMIUM the browser.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { extname, join } from "node:path";
import { after, before, test } from "node:test";
import { Browser } from "./browser.mjs";

const { PACKAGE, TESTDATA, CHROMIUM = "chromium" } = process.env;
const types = { ".js": "text/javascript", ".wasm": "application/wasm", ".html": "text/html" };
const pages = {
  "/": `<!doctype html><script type="module" src="/page.js"></script>`,
  "/page.js": `import { load, SettingsError } from "/npm/nitroattest.js"; Object.assign(window, { load, SettingsError });`,
  "/worker.js": `
    import { load } from "/npm/nitroattest.js";
    onmessage = async ({ data }) => {
      const verifier = await load(data.module);
      postMessage(verifier.appraise(data.document, { insecure_any_image: true, recorded: true }).accepted);
    };`,
};

let browser, server, asked, origin;
before(async () => {
  asked = [];
  server = createServer((request, response) => {
    asked.push(request.url);
    response.setHeader("Content-Security-Policy", "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; connect-src 'self'; worker-src 'self'");
    const body = pages[request.url] ?? (/^\/npm\/[a-z.-]+$/.test(request.url) ? readFileSync(join(PACKAGE, request.url.slice(5))) : "");
    response.setHeader("Content-Type", types[extname(request.url)] ?? "text/html");
    response.end(body);
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  origin = `http://127.0.0.1:${server.address().port}/`;
  browser = new Browser(CHROMIUM);
  await browser.open(origin);
  await browser.until(`"load" in window`);
  const document = readFileSync(join(TESTDATA, "evidence/nautilus-weather-7e9164.cbor")).toString("base64");
  await browser.run(`window.document64 = ${JSON.stringify(document)}; window.settings = { insecure_any_image: true, recorded: true }; 1`);
});
after(async () => {
  server.close();
  server.closeAllConnections();
  await browser.close();
});

test("on a page", async () => {
  const found = await browser.run(`(async () => {
    const before = Reflect.ownKeys(window);
    window.verifier = await load();
    const report = verifier.appraise(document64, settings);
    const html = await verifier.report([{ name: "a", data: document64 }], settings);
    let mistakes;
    try { verifier.appraise(document64, {}); } catch (err) { mistakes = err instanceof SettingsError && err.mistakes.length; }
    const added = Reflect.ownKeys(window).filter((key) => !before.includes(key) && key !== "verifier");
    return { accepted: report.accepted, html: html.includes("ACCEPTED"), mistakes, added };
  })()`);
  assert.deepEqual(found, { accepted: true, html: true, mistakes: 2, added: [] });
});

test("in a worker, with a module that was compiled before", async () => {
  const accepted = await browser.run(`(async () => {
    const module = await WebAssembly.compileStreaming(fetch("/npm/nitroattest.wasm"));
    const worker = new Worker("/worker.js", { type: "module" });
    const answer = new Promise((resolve, reject) => { worker.onmessage = ({ data }) => resolve(data); worker.onerror = () => reject(new Error("the worker failed")); });
    worker.postMessage({ module, document: Uint8Array.from(atob(document64), (c) => c.charCodeAt(0)) });
    return answer;
  })()`);
  assert.equal(accepted, true);
});

test("what is asked of the server", () => {
  assert.deepEqual([...new Set(asked)].filter((url) => url !== "/favicon.ico").sort(), [
    "/", "/npm/go.js", "/npm/nitroattest-report.wasm", "/npm/nitroattest.js", "/npm/nitroattest.wasm", "/page.js", "/worker.js",
  ]);
});

test("a file that is not there is an error", async () => {
  const message = await browser.run(`load(Promise.resolve(new Response("", { status: 404 }))).then(() => "", (err) => err.message)`);
  assert.match(message, /found the status 404/);
  const wrong = await browser.run(`load(new Uint8Array(8)).then(() => "", (err) => err.name)`);
  assert.equal(wrong, "CompileError");
});
