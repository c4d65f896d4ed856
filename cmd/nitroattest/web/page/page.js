// The page: files and fields in, a report out. Whatever comes from a file is
// text here and never markup.

const byID = (id) => document.getElementById(id);
const documents = []; // {name, data}
let verifier;
let saved; // URL of the report
let policyFile = ""; // as it was read; a text area has line ends of its own

const words = {
  policy: "the policy", "signed-policy": "a signed policy, which needs the keys of those who may sign it", "public-keys": "public keys",
  certificates: "roots", "revocation-list": "a revocation list", "enclave-image": "an enclave image", "kernel-image": "a unified kernel image",
};

async function begin() {
  const packed = Uint8Array.from(atob(byID("wasm").textContent), (c) => c.charCodeAt(0));
  const wasm = new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"));
  verifier = await load(await new Response(wasm).arrayBuffer());
  byID("wasm").remove();
  byID("version").textContent = verifier.version;
  byID("verify").textContent = "Verify";
  byID("verify").disabled = false;
}

const loaded = begin();
loaded.catch((err) => {
  byID("verify").textContent = "Cannot verify";
  showMistakes([{ setting: "", message: `the verifier could not be started: ${err.message ?? err}`, hint: "" }]);
});

function say(text) {
  byID("said").textContent = text;
}

// Files

const head = 1 << 20; // enough to tell what a file is; documents and policies are smaller
let taking = Promise.resolve();

// take adds files one after the other, in the order in which they came.
function take(files) {
  const list = [...files];
  taking = taking.then(() => takeAll(list));
  return taking;
}

async function takeAll(files) {
  await loaded;
  const said = [];
  for (const file of files) {
    try {
      said.push(`${file.name}: ${await takeOne(file)}`);
    } catch (err) {
      said.push(`${file.name}: ${err.message ?? err}`);
    }
  }
  say(said.join("\n"));
}

async function takeOne(file) {
  const data = new Uint8Array(await file.slice(0, 8 * head).arrayBuffer());
  const type = verifier.identify(data.length > head ? data.subarray(0, head) : data);
  if (type === "enclave-image" || type === "kernel-image") return measureImage(file, type);
  if (file.size > data.length) throw new Error("too large for a document or a policy");
  const text = () => new TextDecoder().decode(data);
  switch (type) {
    case "document":
      return addDocument(file.name, data);
    case "policy":
    case "signed-policy":
      setPolicy(text());
      return `taken for ${words[type]}`;
    case "public-keys":
      byID("policy_keys").value += text();
      byID("signed").hidden = false;
      return "taken for public keys of those who sign policies";
    case "certificates":
      byID("roots").value = text();
      byID("roots").closest("details").open = true;
      return "taken for roots to trust in place of AWS's";
    case "revocation-list":
      byID("crls").value += text();
      byID("crls").closest("details").open = true;
      return "taken for a revocation list";
  }
  return addDocument(file.name, data); // the report says what is wrong with it
}

async function measureImage(file, type) {
  const kind = type === "enclave-image" ? "enclave" : "nitrotpm";
  const bar = byID("measuring");
  bar.hidden = false;
  say(`${file.name}: measuring`);
  try {
    const found = await verifier.measure(file, { kind, onprogress: (offset, size) => (bar.value = size ? offset / size : 1) });
    setPolicy(JSON.stringify(found.policy, null, 1));
    byID("kind").value = kind;
    return ["measured, and its registers are the policy", ...found.warnings].join("; ");
  } finally {
    bar.hidden = true;
  }
}

function addDocument(name, data) {
  documents.push({ name, data });
  const item = document.createElement("li");
  const label = document.createElement("bdi");
  label.textContent = name;
  const remove = document.createElement("button");
  remove.type = "button";
  remove.textContent = "Remove";
  remove.setAttribute("aria-label", `Remove ${name}`);
  const one = documents.at(-1);
  remove.addEventListener("click", () => {
    documents.splice(documents.indexOf(one), 1);
    item.remove();
    byID("no-documents").hidden = documents.length > 0;
    say(`${name}: removed`);
    byID("paste").focus();
  });
  item.append(label, remove);
  byID("documents").append(item);
  byID("no-documents").hidden = true;
  return "added to the documents";
}

function setPolicy(text) {
  policyFile = text;
  byID("policy").value = text;
  policyChanged();
}

function policyChanged() {
  const text = byID("policy").value;
  const given = ["policy_keys", "policy_threshold", "policy_name"].some((id) => byID(id).value);
  byID("signed").hidden = !given && (!text || !verifier || verifier.identify(text) !== "signed-policy");
}

async function takeText(text) {
  await loaded;
  if (!text.trim()) return say("There is no text to add.");
  const count = documents.filter((one) => one.name.startsWith("pasted")).length;
  await take([new File([text.trim()], count ? `pasted text ${count + 1}` : "pasted text")]);
  byID("paste").value = "";
}

// Settings

const texts = ["policy_keys", "policy_name", "nonce", "at", "user_data", "public_key", "roots", "kind", "partition"];
const numbers = ["policy_threshold", "max_age"];
const flags = ["insecure_any_image", "insecure_allow_debug", "recorded", "no_user_data", "no_public_key"];

// settings returns what was filled in. A field that is empty was not given.
function settings() {
  const out = {};
  const value = (id) => byID(id).value.trim();
  const policy = byID("policy").value;
  // The report has the digest of the policy, which is that of its file.
  if (value("policy")) out.policy = policy === policyFile.replace(/\r\n?/g, "\n") ? policyFile : policy;
  for (const id of texts) if (value(id)) out[id] = value(id);
  for (const id of numbers) if (value(id)) out[id] = /^[0-9]+$/.test(value(id)) ? Number(value(id)) : value(id);
  for (const id of flags) if (byID(id).checked) out[id] = true;
  if (value("pcrs")) {
    try {
      out.pcrs = JSON.parse(value("pcrs"));
    } catch {
      out.pcrs = value("pcrs");
    }
  }
  if (value("denied")) out.denied = value("denied").split("\n").map((line) => line.trim()).filter(Boolean);
  const lists = value("crls").match(/-----BEGIN[^]*?-----END[^\n]*/g);
  if (value("crls")) out.crls = lists ?? [value("crls")];
  return out;
}

function showMistakes(mistakes) {
  const box = byID("mistakes");
  box.replaceChildren();
  for (const field of document.querySelectorAll("[aria-invalid]")) field.removeAttribute("aria-invalid");
  for (const text of document.querySelectorAll(".mistake")) text.textContent = "";
  if (mistakes.length === 0) return;
  const list = document.createElement("ul");
  for (const mistake of mistakes) {
    const item = document.createElement("li");
    // Line and column are of JSON that nobody has seen, but for those of a policy.
    const place = mistake.setting === "policy" ? /^$/ : / \(line \d+, column \d+\)/;
    const message = mistake.message.replace(place, "") + (mistake.hint ? `. ${mistake.hint}` : "");
    const field = mistake.setting && byID(mistake.setting);
    if (field) {
      const link = document.createElement("a");
      link.href = `#${mistake.setting}`;
      link.textContent = message;
      link.addEventListener("click", (event) => {
        event.preventDefault();
        field.closest("details")?.setAttribute("open", "");
        field.focus();
      });
      item.append(link);
      field.setAttribute("aria-invalid", "true");
      byID(`${mistake.setting}-mistake`).textContent = message;
    } else {
      item.textContent = message;
    }
    list.append(item);
  }
  const heading = document.createElement("strong");
  heading.textContent = "Nothing was verified:";
  box.append(heading, list);
}

// Verdicts

async function verify() {
  showMistakes([]);
  if (documents.length === 0) {
    showMistakes([{ setting: "", message: "There is no document to verify: drop a file, choose one, or paste its text.", hint: "" }]);
    byID("result").hidden = true;
    return;
  }
  let html;
  try {
    html = await verifier.report(documents, settings());
  } catch (err) {
    byID("result").hidden = true; // that of earlier settings
    showMistakes(err.mistakes?.length ? err.mistakes : [{ setting: "", message: err.message, hint: "" }]);
    return;
  }
  show(html, countAccepted(html));
}

// countAccepted reads the verdicts of a report, so that what is said beside it
// cannot differ from it.
function countAccepted(html) {
  const report = new DOMParser().parseFromString(html, "text/html");
  if (documents.length > 1) return report.querySelectorAll("#summary tbody td.word.good").length;
  return report.querySelector("#verdict strong").textContent === "ACCEPTED" ? 1 : 0;
}

function show(html, accepted) {
  const all = accepted === documents.length;
  byID("result").hidden = false;
  byID("verdict").textContent = `${all ? "ACCEPTED" : "REFUSED"}: ${accepted} of ${documents.length} ${documents.length === 1 ? "document" : "documents"} accepted`;
  byID("verdict").className = all ? "good" : "bad";
  const frame = byID("report");
  frame.onload = () => fit(frame);
  frame.srcdoc = html;
  if (saved) URL.revokeObjectURL(saved);
  saved = URL.createObjectURL(new Blob([html], { type: "text/html" }));
  byID("save").href = saved;
  byID("result-heading").focus({ preventScroll: true });
  byID("result").scrollIntoView();
}

// fit gives the frame the height of the report, and leads its links, which mean
// places in it, to those places.
function fit(frame) {
  const inside = frame.contentDocument;
  // By its body, which does not depend on the height of the frame.
  const size = () => (frame.style.height = `${Math.ceil(inside.body.getBoundingClientRect().height) + 2}px`);
  size();
  new ResizeObserver(size).observe(inside.body);
  for (const link of inside.querySelectorAll('a[href^="#"]')) {
    link.addEventListener("click", (event) => {
      event.preventDefault();
      inside.getElementById(link.getAttribute("href").slice(1))?.scrollIntoView();
    });
  }
}

function clear() {
  byID("form").reset();
  documents.length = 0;
  byID("documents").replaceChildren();
  byID("no-documents").hidden = false;
  byID("result").hidden = true;
  showMistakes([]);
  policyChanged();
  say("Everything is cleared.");
}

// Events

byID("clear").addEventListener("click", () => taking.then(clear));
byID("form").addEventListener("submit", (event) => {
  event.preventDefault();
  if (!byID("verify").disabled) taking.then(verify);
});
byID("files").addEventListener("change", (event) => {
  take(event.target.files).then(() => (event.target.value = ""));
});
byID("add").addEventListener("click", () => takeText(byID("paste").value));
byID("policy").addEventListener("input", policyChanged);
document.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) byID("form").requestSubmit();
});
document.addEventListener("dragover", (event) => {
  event.preventDefault();
  document.body.classList.add("dropping");
});
document.addEventListener("dragleave", (event) => {
  if (!event.relatedTarget) document.body.classList.remove("dropping");
});
document.addEventListener("drop", (event) => {
  event.preventDefault();
  document.body.classList.remove("dropping");
  if (event.dataTransfer.files.length > 0) take(event.dataTransfer.files);
  else takeText(event.dataTransfer.getData("text"));
});
document.addEventListener("paste", (event) => {
  if (event.target.matches("textarea, input")) return;
  event.preventDefault();
  if (event.clipboardData.files.length > 0) take(event.clipboardData.files);
  else takeText(event.clipboardData.getData("text"));
});
