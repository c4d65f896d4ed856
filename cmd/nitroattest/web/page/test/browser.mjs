// A browser that is driven through the DevTools protocol, over a pipe: nothing
// but Node and the browser is needed.
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export class Browser {
  #process;
  #profile = mkdtempSync(join(tmpdir(), "browser-"));
  #next = 1;
  #waiting = new Map(); // calls without an answer, by ID
  #rest = "";
  #session;
  listeners = []; // called with every event

  constructor(program) {
    this.#process = spawn(
      program,
      [
        "--headless", "--no-sandbox", "--hide-scrollbars", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-component-update",
        "--disable-sync", "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1", `--user-data-dir=${this.#profile}`, "--remote-debugging-pipe", "about:blank",
      ],
      { stdio: ["ignore", "ignore", "ignore", "pipe", "pipe"] },
    );
    this.#process.once("error", (err) => this.#fail(err));
    this.#process.once("exit", () => this.#fail(new Error("the browser has ended")));
    this.#process.stdio[3].on("error", (err) => this.#fail(err));
    this.#process.stdio[4].setEncoding("utf8").on("data", (text) => {
      const messages = (this.#rest + text).split("\0");
      this.#rest = messages.pop();
      for (const message of messages) this.#take(JSON.parse(message));
    });
  }

  #fail(err) {
    for (const { reject } of this.#waiting.values()) reject(err);
    this.#waiting.clear();
  }

  #take(message) {
    if (!message.id) {
      for (const listener of this.listeners) listener(message);
      return;
    }
    const { resolve, reject } = this.#waiting.get(message.id);
    this.#waiting.delete(message.id);
    if (message.error) reject(new Error(message.error.message));
    else resolve(message.result);
  }

  call(method, params = {}) {
    const id = this.#next++;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      this.#process.stdio[3].write(`${JSON.stringify({ id, method, params, sessionId: this.#session })}\0`);
    });
  }

  // open shows an address in a new tab, which later calls are for.
  async open(url) {
    this.#session = undefined;
    const { targetId } = await this.call("Target.createTarget", { url: "about:blank" });
    const { sessionId } = await this.call("Target.attachToTarget", { targetId, flatten: true });
    this.#session = sessionId;
    for (const domain of ["Page", "Network", "Runtime", "Log", "DOM", "Accessibility"]) await this.call(`${domain}.enable`);
    const loaded = new Promise((resolve) => this.listeners.push(({ method }) => method === "Page.loadEventFired" && resolve()));
    await this.call("Page.navigate", { url });
    await loaded;
  }

  // run returns what an expression comes to, which may be a promise.
  async run(expression) {
    const { result, exceptionDetails } = await this.call("Runtime.evaluate", { expression, awaitPromise: true, returnByValue: true });
    if (exceptionDetails) throw new Error(exceptionDetails.exception?.description ?? exceptionDetails.text);
    return result.value;
  }

  // until waits for an expression to become true, however long it takes.
  until(expression) {
    return this.run(`new Promise((resolve) => { const look = () => ((${expression}) ? resolve(true) : setTimeout(look, 20)); look(); })`);
  }

  async drop(files) {
    const data = { items: [], files, dragOperationsMask: 1 };
    for (const type of ["dragEnter", "dragOver", "drop"]) await this.call("Input.dispatchDragEvent", { type, x: 200, y: 200, data });
  }

  async key(key, { modifiers = 0, text } = {}) {
    const codes = { Tab: 9, Enter: 13, " ": 32 };
    const event = { key, code: key === " " ? "Space" : key, windowsVirtualKeyCode: codes[key], modifiers, text };
    await this.call("Input.dispatchKeyEvent", { type: "keyDown", ...event });
    await this.call("Input.dispatchKeyEvent", { type: "keyUp", ...event });
  }

  async close() {
    const ended = new Promise((resolve) => this.#process.once("exit", resolve));
    this.#session = undefined;
    this.call("Browser.close").catch(() => {});
    await ended;
    rmSync(this.#profile, { recursive: true, force: true, maxRetries: 5 });
  }
}
