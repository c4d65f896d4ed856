// The verifier of AWS Nitro attestation documents. nitroattest.d.ts describes
// what is exported here.
import { newGo } from "./go.js";

/** Settings that cannot be used. Nothing was appraised. */
export class SettingsError extends Error {
  constructor(failure) {
    super(failure.message);
    this.name = "SettingsError";
    this.mistakes = failure.mistakes ?? [];
  }
}

/** An image file that cannot be measured. */
export class MeasureError extends Error {
  constructor(failure) {
    super(failure.message);
    this.name = "MeasureError";
    this.reason = failure.reason ?? "";
  }
}

const encoder = new TextEncoder();

/** load starts the verifier. */
export async function load(source, reportSource) {
  return new Verifier(await start(source ?? (await besideThisFile("nitroattest.wasm"))), reportSource);
}

// besideThisFile reads a file of the package. The two are named in full for
// bundlers, which look for this form.
async function besideThisFile(name) {
  const url = name === "nitroattest.wasm" ? new URL("nitroattest.wasm", import.meta.url) : new URL("nitroattest-report.wasm", import.meta.url);
  if (url.protocol === "file:") {
    const { readFile } = await import("node:fs/promises");
    return readFile(url);
  }
  return fetch(url);
}

async function start(source) {
  // What the program may reach: no network, no files, no page, no environment.
  const scope = {
    Array, Date, Error, Int8Array, Object, Promise, TypeError, Uint8Array, TextDecoder, TextEncoder,
    crypto: globalThis.crypto, performance: globalThis.performance,
  };
  const exported = new Promise((resolve) => (scope.exports = resolve));
  const go = newGo(scope);
  const instance = await instantiate(await source, go.importObject);
  let stopped = false;
  go.run(instance).finally(() => (stopped = true));
  const calls = await exported;
  return { calls, stopped: () => stopped };
}

async function instantiate(source, imports) {
  if (source instanceof WebAssembly.Module) return WebAssembly.instantiate(source, imports);
  if (typeof Response !== "undefined" && source instanceof Response) {
    if (!source.ok) throw new Error(`nitroattest.wasm: found the status ${source.status}, expected 200`);
    source = await source.arrayBuffer(); // whatever its content type is
  }
  const { instance } = await WebAssembly.instantiate(source, imports);
  return instance;
}

class Verifier {
  #instance;
  #reportSource;
  #reporter; // the promise of an instance that has all functions

  constructor(instance, reportSource) {
    this.#instance = instance;
    this.#reportSource = reportSource;
    this.version = instance.calls.version;
  }

  appraise(document, settings) {
    return JSON.parse(this.#call(this.#instance, "appraise", bytesOf(document, "document"), settingsOf(settings)));
  }

  async report(documents, settings) {
    if (!Array.isArray(documents)) throw new TypeError("documents: expected an array of {name, data}");
    const list = documents.map((one, i) => ({ name: nameOf(one, i), data: bytesOf(one.data, `documents[${i}].data`) }));
    const text = settingsOf(settings);
    return this.#call(await this.#whole(), "report", list, text);
  }

  identify(data) {
    return this.#call(this.#instance, "identify", bytesOf(data, "data"));
  }

  measure(file, options = {}) {
    const { kind = "enclave", kernel = "", signal, onprogress, ...others } = options;
    for (const key of Object.keys(others)) throw new TypeError(`${key}: unknown option, expected kind, kernel, signal and onprogress`);
    return this.#measure(blobOf(file), String(kind), String(kernel), signal, onprogress);
  }

  async #measure(blob, kind, kernel, signal, onprogress) {
    const calls = running(await this.#whole());
    return new Promise((resolve, reject) => {
      const read = (offset, length, done, failed) => {
        if (signal?.aborted) return failed("aborted");
        onprogress?.(offset, blob.size);
        blob.slice(offset, offset + length).arrayBuffer().then(
          (piece) => done(new Uint8Array(piece)),
          (err) => failed(String(err)),
        );
      };
      const fail = (failure) => reject(signal?.aborted ? signal.reason : new MeasureError(JSON.parse(failure)));
      calls.measure(read, blob.size, kind, kernel, (text) => resolve(JSON.parse(text)), fail);
    });
  }

  // whole returns an instance that can write HTML and measure images, which is
  // loaded when it is first needed. A failure is not kept.
  #whole() {
    if (this.#instance.calls.report) return this.#instance;
    this.#reporter ??= (async () => start(this.#reportSource ?? (await besideThisFile("nitroattest-report.wasm"))))().catch((err) => {
      this.#reporter = undefined;
      throw err;
    });
    return this.#reporter;
  }

  #call(instance, name, ...args) {
    const result = running(instance)[name](...args);
    if (typeof result === "string") return result;
    const failure = JSON.parse(running(instance) && result.failure);
    throw failure.mistakes ? new SettingsError(failure) : new Error(failure.message);
  }
}

// running returns the functions of an instance. One that has stopped, for want of
// memory for example, cannot be used again.
function running(instance) {
  if (instance.stopped()) throw new Error("the verifier has stopped; load it anew");
  return instance.calls;
}

function nameOf(one, i) {
  if (typeof one?.name !== "string") throw new TypeError(`documents[${i}].name: expected a string`);
  return one.name;
}

// bytesOf takes bytes in any view, and text in one of the forms of a document.
function bytesOf(value, what) {
  if (typeof value === "string") return encoder.encode(value);
  if (ArrayBuffer.isView(value)) return new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
  if (Object.prototype.toString.call(value) === "[object ArrayBuffer]") return new Uint8Array(value);
  throw new TypeError(`${what}: expected a Uint8Array, an ArrayBuffer or a string`);
}

function blobOf(file) {
  if (typeof file?.slice === "function" && typeof file.size === "number") return file;
  return new Blob([bytesOf(file, "file")]);
}

const inHex = ["nonce", "user_data", "public_key"];

// settingsOf writes settings as JSON. What JSON.stringify would leave out or
// change is an error: a setting that was given is never lost.
function settingsOf(settings) {
  const mistake = (setting, detail) => {
    const message = setting ? `${setting}: ${detail}` : detail;
    return new SettingsError({ message, mistakes: [{ setting, path: "", message, hint: "" }] });
  };
  if (typeof settings === "string") return encoder.encode(settings); // JSON
  if (settings === null || typeof settings !== "object" || Array.isArray(settings)) throw mistake("", "settings: expected an object or JSON text");
  const out = {};
  for (const key of Object.keys(settings)) {
    const value = settings[key];
    if (inHex.includes(key) && typeof value === "object" && value !== null) {
      out[key] = hex(bytesOf(value, key));
    } else if (key === "at" && value instanceof Date) {
      if (Number.isNaN(value.getTime())) throw mistake(key, "found an invalid Date");
      out[key] = value.toISOString();
    } else if (key === "crls" && Array.isArray(value)) {
      out[key] = value.map((list, i) => (typeof list === "string" ? list : base64(bytesOf(list, `crls[${i}]`))));
    } else {
      checkPlain(value, key, (at, found) => mistake(key, `${at === key ? "" : `${at}: `}found ${found}`));
      out[key] = value;
    }
  }
  return encoder.encode(JSON.stringify(out));
}

// checkPlain refuses what JSON cannot hold.
function checkPlain(value, at, fail) {
  switch (typeof value) {
    case "string":
    case "boolean":
      return;
    case "number":
      if (!Number.isFinite(value)) throw fail(at, String(value));
      return;
    case "object": {
      if (value === null) return; // which is refused with its place
      const proto = Object.getPrototypeOf(value);
      if (!Array.isArray(value) && proto !== null && Object.getPrototypeOf(proto) !== null) throw fail(at, `an object of the class ${value.constructor?.name ?? "unknown"}`);
      for (const key of Object.keys(value)) checkPlain(value[key], Array.isArray(value) ? `${at}[${key}]` : `${at}.${key}`, fail);
      return;
    }
  }
  throw fail(at, typeof value);
}

function hex(bytes) {
  return Array.from(bytes, (b) => b.toString(16).padStart(2, "0")).join("");
}

function base64(bytes) {
  let text = "";
  for (const b of bytes) text += String.fromCharCode(b);
  return btoa(text);
}
