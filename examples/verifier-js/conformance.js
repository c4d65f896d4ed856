// Reads the cases of the conformance kit and writes verdicts.
import { createInterface } from "node:readline";
import { readPolicy, Refusal, Unsupported, verify } from "./verify.js";

function judge(test) {
  try {
    if (test.type === "policy") {
      readPolicy(test.policyText, test.kind);
      return { result: "valid" };
    }
    const image = verify(Buffer.from(test.evidence, "base64"), test.config, test.expectation, Date.parse(test.time));
    return { result: "valid", image };
  } catch (err) {
    if (err instanceof Unsupported) return { result: "unsupported" };
    if (err instanceof Refusal) return { result: "invalid", reason: test.type === "policy" ? "" : err.reason };
    throw err;
  }
}

for await (const line of createInterface({ input: process.stdin })) {
  const test = JSON.parse(line);
  process.stdout.write(`${JSON.stringify({ tcId: test.tcId, ...judge(test) })}\n`);
}
