// Tests of the page in a browser. PAGE is the built file, TESTDATA the directory
// testdata of the repository, SIGNED a directory with a signed policy and its
// key, CHROMIUM the browser. With SCREENSHOTS, a directory, pictures are kept.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { copyFileSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { pathToFileURL } from "node:url";
import { Browser } from "./browser.mjs";

const { PAGE, TESTDATA, SIGNED, CHROMIUM = "chromium", SCREENSHOTS } = process.env;
const page = pathToFileURL(PAGE).href;
const evidence = (name) => join(TESTDATA, "evidence", name);
const weather = evidence("nautilus-weather-7e9164.cbor");
const policy = (name) => evidence(join("policies", name));
const scratch = mkdtempSync(join(tmpdir(), "page-"));

let browser;
const requests = []; // of every page that was open
const problems = []; // on the console, violations of the policy among them

before(async () => {
  browser = new Browser(CHROMIUM);
  browser.listeners.push(({ method, params }) => {
    if (method === "Network.requestWillBeSent") requests.push(params.request.url);
    if (method === "Log.entryAdded") problems.push(params.entry.text);
    if (method === "Runtime.exceptionThrown") problems.push(params.exceptionDetails.exception?.description ?? params.exceptionDetails.text);
    if (method === "Runtime.consoleAPICalled") problems.push(JSON.stringify(params.args));
    if (method === "Page.javascriptDialogOpening") problems.push(params.message);
  });
});
after(() => browser.close());

async function open() {
  await browser.open(page);
  await browser.until(`!document.getElementById("verify").disabled`);
}

// clear makes the page as it was when it was opened, which takes longer.
async function clear() {
  await click("clear");
  await browser.until(`document.getElementById("said").textContent === "Everything is cleared."`);
  assert.equal(await browser.run(`document.getElementById("documents").childElementCount`), 0);
}

const text = (id) => browser.run(`document.getElementById(${JSON.stringify(id)}).innerText`);
const value = (id) => browser.run(`document.getElementById(${JSON.stringify(id)}).value`);
const focused = () => browser.run(`document.activeElement.id || document.activeElement.tagName`);
const inReport = (expression) => browser.run(`((doc) => (${expression}))(document.getElementById("report").contentDocument)`);

async function click(id) {
  await browser.run(`document.getElementById(${JSON.stringify(id)}).click()`);
}

async function type(id, content) {
  await browser.run(`document.getElementById(${JSON.stringify(id)}).focus()`);
  await browser.call("Input.insertText", { text: content });
}

async function drop(...files) {
  await browser.run(`document.getElementById("said").textContent = ""`);
  await browser.drop(files);
  await browser.until(`document.getElementById("said").textContent && document.getElementById("measuring").hidden && !document.getElementById("said").textContent.endsWith("measuring")`);
  return text("said");
}

async function verify() {
  await browser.run(`document.getElementById("report").srcdoc = ""`);
  await click("verify");
  await browser.until(`document.getElementById("mistakes").childElementCount > 0 || document.getElementById("report").contentDocument?.querySelector("#verdict")`);
}

async function picture(name, whole) {
  if (!SCREENSHOTS) return;
  const { data } = await browser.call("Page.captureScreenshot", { format: "png", captureBeyondViewport: whole });
  writeFileSync(join(SCREENSHOTS, `${name}.png`), Buffer.from(data, "base64"));
}

test("a dropped document and policy: accepted", async () => {
  await open();
  const windows = join(scratch, "policy.json");
  writeFileSync(windows, readFileSync(policy("nautilus-weather.json"), "utf8").replaceAll("\n", "\r\n"));
  assert.match(await drop(weather, windows), /added to the documents[^]*taken for the policy/);
  await click("recorded");
  await verify();
  const digest = createHash("sha256").update(readFileSync(windows)).digest("hex");
  assert.ok((await inReport(`doc.body.innerText`)).includes(digest), "the digest of the policy is that of its file");
  assert.equal(await text("verdict"), "ACCEPTED: 1 of 1 document accepted");
  assert.equal(await inReport(`doc.querySelector("#verdict strong").innerText`), "ACCEPTED");
  assert.equal(await focused(), "result-heading");
  // The report is as high as it needs to be, and its style is in force.
  assert.ok(await browser.run(`document.getElementById("report").clientHeight >= document.getElementById("report").contentDocument.documentElement.scrollHeight`));
  assert.notEqual(await inReport(`getComputedStyle(doc.querySelector("#verdict strong")).color`), "rgb(0, 0, 0)");
  // What is saved is what is seen.
  const saved = await browser.run(`(async () => { const frame = document.getElementById("report"); const link = document.getElementById("save"); return [link.download, link.href.startsWith("blob:"), frame.srcdoc.includes("ACCEPTED")]; })()`);
  assert.deepEqual(saved, ["report.html", true, true]);
});

test("pasted text, and a refusal", async () => {
  await clear();
  const paste = (data) => browser.run(`(() => { const data = new DataTransfer(); data.setData("text", ${JSON.stringify(data)}); document.body.dispatchEvent(new ClipboardEvent("paste", { clipboardData: data, bubbles: true, cancelable: true })); })()`);
  await paste(readFileSync(weather).toString("base64"));
  await browser.until(`document.getElementById("documents").childElementCount === 1`);
  await type("paste", readFileSync(policy("turnkey.json"), "utf8"));
  await click("add");
  await browser.until(`document.getElementById("policy").value !== ""`);
  await click("recorded");
  await browser.run(`document.getElementById("denied").value = "i-06e4b98c6549ff803\\n"`);
  await verify();
  assert.match(await inReport(`doc.body.innerText`), /certificate-revoked/);
  await browser.run(`document.getElementById("denied").value = ""`);
  await verify();
  await browser.until(`document.getElementById("report").contentDocument?.body.innerText.includes("measurement-mismatch")`);
  assert.equal(await text("verdict"), "REFUSED: 0 of 1 document accepted");
  assert.match(await inReport(`doc.body.innerText`), /measurement-mismatch/);
  assert.match(await inReport(`doc.body.innerText`), /pasted text/);
});

test("several documents, one of which is none, and one that is taken away", async () => {
  await clear();
  const none = join(scratch, "none.cbor");
  writeFileSync(none, "hello!");
  await drop(weather, evidence("ear-e25010.cbor"), none, evidence("bedrock-542a32.cbor"), policy("nautilus-weather.json"));
  assert.equal(await browser.run(`document.querySelectorAll("#documents li").length`), 4);
  await browser.run(`document.querySelectorAll("#documents button")[3].click()`);
  await click("recorded");
  await verify();
  assert.equal(await text("verdict"), "REFUSED: 1 of 3 documents accepted");
  assert.equal(await inReport(`doc.querySelectorAll("#summary tbody tr").length`), 3);
  // A link of the report leads to its place in it, and nowhere else.
  await inReport(`(doc.querySelector("#summary a").click(), 1)`);
  await browser.run(`new Promise((resolve) => setTimeout(resolve, 100))`);
  assert.equal(await inReport(`doc.querySelectorAll("#summary tbody tr").length`), 3);
});

test("nothing is verified by settings that say too little", async () => {
  await clear();
  await verify();
  assert.match(await text("mistakes"), /no document to verify/);
  await drop(weather);
  await verify();
  assert.match(await text("mistakes"), /policy: missing/);
  assert.match(await text("mistakes"), /freshness/);
  assert.equal(await browser.run(`document.getElementById("policy").getAttribute("aria-invalid")`), "true");
  assert.match(await text("policy-mistake"), /missing/);
  assert.equal(await browser.run(`document.getElementById("result").hidden`), true);
  await browser.run(`document.querySelector("#mistakes a").click()`);
  assert.equal(await focused(), "policy");
  // Every field of the settings has a place for its mistake.
  await type("nonce", "xyz");
  await type("max_age", "-5");
  await type("user_data", "1");
  await type("pcrs", "{");
  await click("insecure_any_image");
  await verify();
  for (const id of ["nonce", "max_age", "user_data", "pcrs"]) assert.notEqual(await text(`${id}-mistake`), undefined, id);
  for (const id of ["nonce", "max_age"]) assert.match(await text(`${id}-mistake`), /found/, id);
  // A verdict does not outlive the settings that led to it.
  for (const id of ["nonce", "max_age", "user_data", "pcrs"]) await browser.run(`document.getElementById("${id}").value = ""`);
  await click("recorded");
  await verify();
  assert.equal(await browser.run(`document.getElementById("result").hidden`), false);
  await browser.run(`document.getElementById("nonce").value = "0"`);
  await verify();
  assert.equal(await browser.run(`document.getElementById("result").hidden`), true);
});

test("an image file is measured and becomes the policy", async () => {
  await clear();
  assert.match(await drop(join(TESTDATA, "eif/v4_unsigned.eif")), /measured, and its registers are the policy/);
  const expected = JSON.parse(readFileSync(join(TESTDATA, "eif/expected.json"), "utf8")).images.v4_unsigned.by_offsets;
  assert.equal(JSON.parse(await value("policy")).Measurements.PCR0, expected.PCR0);
  assert.equal(await value("kind"), "enclave");
  assert.match(await drop(join(TESTDATA, "eif/trailing_ramdisk_hidden.eif")), /walks-differ/);
  assert.match(await drop(join(TESTDATA, "uki/standard.efi")), /measured/);
  assert.equal(await value("kind"), "nitrotpm");
});

test("a signed policy and its keys", { skip: !SIGNED }, async () => {
  await clear();
  assert.match(await drop(join(SIGNED, "policy.signed.json"), weather), /a signed policy/);
  assert.equal(await browser.run(`document.getElementById("signed").hidden`), false);
  await click("recorded");
  await verify();
  assert.match(await text("mistakes"), /signed|policy_keys/);
  await drop(join(SIGNED, "key.pub.pem"));
  await verify();
  assert.equal(await text("verdict"), "ACCEPTED: 1 of 1 document accepted");
  assert.match(await inReport(`doc.body.innerText`), /example.com\/weather, version 3/);
});

test("hostile names and documents are text", async () => {
  await clear();
  const hostile = `"'></title></style><script>document.title="OWNED"</script><img src=owned onerror=alert(1)>\u202e.cbor`.replaceAll("/", "\u2215");
  const file = join(scratch, hostile);
  copyFileSync(weather, file);
  const images = JSON.parse(readFileSync(policy("nautilus-weather.json"), "utf8"));
  images.images[0].name = `</script><script>document.title="OWNED"</script><img src=owned onerror=alert(1)>`;
  const markup = join(scratch, "<b>bold");
  writeFileSync(markup, `<img src=owned onerror=alert(1)>`);
  const hostilePolicy = join(scratch, "policy<img src=x>.json");
  writeFileSync(hostilePolicy, JSON.stringify(images));
  await drop(file, markup, hostilePolicy);
  await click("recorded");
  await verify();
  assert.equal(await text("verdict"), "REFUSED: 1 of 2 documents accepted");
  assert.equal(await browser.run(`document.title`), "nitroattest: verify attestation documents");
  for (const where of ["document", `document.getElementById("report").contentDocument`]) {
    assert.equal(await browser.run(`${where}.querySelectorAll("img, b, object, embed, [onerror], [onclick]").length`), 0);
  }
  assert.equal(await inReport(`doc.scripts.length`), 0);
  assert.match(await inReport(`doc.title`), /^REFUSED/);
  assert.ok(!(await inReport(`doc.body.innerText`)).includes("\u202e"));
  await drop(markup.replace("<b>bold", hostile));
  // A mistake quotes what was given, as text too.
  await browser.run(`document.getElementById("policy").value = '{"<img src=owned onerror=alert(1)>": 1}'`);
  await verify();
  assert.match(await text("mistakes"), /Nothing was verified/);
  assert.equal(await browser.run(`document.images.length`), 0);
});

test("the keyboard is enough", async () => {
  await clear();
  await browser.run(`(document.activeElement.blur(), scrollTo(0, 0))`);
  const reached = [];
  for (let i = 0; i < 25; i++) {
    await browser.key("Tab");
    reached.push(await focused());
  }
  for (const id of ["files", "paste", "add", "policy", "insecure_any_image", "kind", "nonce", "max_age", "recorded", "SUMMARY", "verify", "clear"]) {
    assert.ok(reached.includes(id), `${id}: not reached by Tab, only ${reached}`);
  }
  assert.equal(await browser.run(`document.querySelectorAll("[tabindex]:not([tabindex='-1'])").length`), 0);
  await type("paste", readFileSync(weather).toString("hex"));
  await browser.run(`document.getElementById("add").focus()`);
  await browser.key("Enter", { text: "\r" });
  await browser.until(`document.getElementById("documents").childElementCount === 1`);
  for (const id of ["insecure_any_image", "recorded"]) {
    await browser.run(`document.getElementById("${id}").focus()`);
    await browser.key(" ", { text: " " });
  }
  await browser.key("Enter", { modifiers: 2 });
  await browser.until(`!document.getElementById("result").hidden`);
  assert.equal(await text("verdict"), "ACCEPTED: 1 of 1 document accepted");
});

test("a screen reader is told everything", async () => {
  await clear();
  await drop(weather);
  await browser.run(`document.querySelector("details").open = true`);
  const { nodes } = await browser.call("Accessibility.getFullAXTree");
  const roles = new Map();
  for (const { role, name, ignored } of nodes) {
    if (ignored) continue;
    const list = roles.get(role.value) ?? [];
    list.push(name?.value ?? "");
    roles.set(role.value, list);
  }
  for (const role of ["textbox", "checkbox", "combobox", "button", "region"]) {
    assert.ok(roles.get(role)?.length > 0, role);
    for (const name of roles.get(role)) assert.notEqual(name, "", `a ${role} without a name`);
  }
  assert.ok(roles.get("button").includes(`Remove nautilus-weather-7e9164.cbor`));
  for (const role of ["status", "alert", "main", "banner", "contentinfo"]) assert.ok(roles.has(role), role);
  assert.equal(await browser.run(`document.documentElement.lang`), "en");
});

test("from 390 to 1600 pixels, dark and light", async () => {
  await clear();
  await drop(weather, evidence("ear-e25010.cbor"), policy("nautilus-weather.json"));
  await click("recorded");
  await browser.run(`document.querySelector("details").open = true`);
  for (const scheme of ["light", "dark"]) {
    await browser.call("Emulation.setEmulatedMedia", { features: [{ name: "prefers-color-scheme", value: scheme }] });
    for (const width of [390, 768, 1200, 1600]) {
      await browser.call("Emulation.setDeviceMetricsOverride", { width, height: 900, deviceScaleFactor: 1, mobile: false });
      await browser.run(`document.getElementById("result").hidden = true`);
      if (width !== 768) await picture(`form-${scheme}-${width}`, true);
      await click("verify");
      await browser.until(`!document.getElementById("result").hidden && document.getElementById("report").contentDocument?.querySelector("#verdict")`);
      await browser.run(`new Promise((resolve) => setTimeout(resolve, 100))`);
      await browser.run(`document.getElementById("result").scrollIntoView()`);
      for (const where of ["document", `document.getElementById("report").contentDocument`]) {
        const [wide, room] = await browser.run(`[${where}.documentElement.scrollWidth, ${where}.documentElement.clientWidth]`);
        assert.ok(wide <= room, `${where} at ${width}: ${wide} wide`);
      }
      const back = scheme === "dark" ? "rgb(13, 17, 23)" : "rgb(255, 255, 255)";
      assert.equal(await browser.run(`getComputedStyle(document.body).backgroundColor`), back);
      assert.equal(await inReport(`getComputedStyle(doc.body).backgroundColor`), back);
      if (width !== 768) await picture(`report-${scheme}-${width}`, false);
    }
  }
});

test("no request leaves, and none can", async () => {
  assert.deepEqual([...new Set(requests)].filter((url) => url !== page && url !== "about:srcdoc" && url !== "about:blank"), []);
  assert.deepEqual(problems, []);
  // The policy of the page is what forbids it, and the lists above can tell.
  await open();
  const refused = await browser.run(`(async () => {
    const violations = [];
    document.addEventListener("securitypolicyviolation", (event) => violations.push(event.effectiveDirective));
    const failed = await fetch("https://example.com/").then(() => false, () => true);
    try { new WebSocket("wss://example.com/"); } catch {}
    navigator.sendBeacon("https://example.com/", "x");
    new Image().src = "https://example.com/x.png";
    const script = document.createElement("script");
    script.textContent = "window.owned = true";
    document.body.append(script);
    const form = document.createElement("form");
    form.action = "https://example.com/";
    document.body.append(form);
    form.submit();
    await new Promise((resolve) => setTimeout(resolve, 300));
    return { failed, owned: window.owned === true, violations: [...new Set(violations)].sort(), here: location.href };
  })()`);
  assert.equal(refused.failed, true);
  assert.equal(refused.owned, false);
  assert.equal(refused.here, page);
  for (const directive of ["connect-src", "form-action", "img-src", "script-src-elem"]) assert.ok(refused.violations.includes(directive), `${directive}: ${refused.violations}`);
  assert.ok(problems.length > 0);
});
