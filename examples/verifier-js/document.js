// The document: a COSE_Sign1 (RFC 9052) around a CBOR map (RFC 8949).
import { decode, encode } from "cborg";
import { Refusal, require } from "./refusal.js";

const limits = { document: 32 * 1024, field: 1024, certificate: 1024, bundle: 8 };
const lastTimestamp = 253402300799999;

// Tags say nothing here but 18 around the whole, which is taken off before.
function decodeStrictly(bytes) {
  try {
    const value = decode(bytes, { useMaps: true, rejectDuplicateMapKeys: true, allowUndefined: false });
    if (holdsBreak(value)) throw new Error("a break where a value should be");
    return value;
  } catch (err) {
    throw new Refusal("malformed-evidence", err.message);
  }
}

// cborg takes a break in the place of a value for a value, a symbol.
function holdsBreak(value) {
  if (value instanceof Map) return [...value].some(([key, inner]) => holdsBreak(key) || holdsBreak(inner));
  return typeof value === "symbol" || (Array.isArray(value) && value.some(holdsBreak));
}

function isBytes(value, least, most) {
  return value instanceof Uint8Array && value.length >= least && value.length <= most;
}

// parseDocument returns the fields and what the signature covers. Nothing of it
// is verified.
export function parseDocument(evidence, kind) {
  const malformed = (condition, detail) => require(condition, "malformed-evidence", detail);
  malformed(evidence.length <= limits.document, "the document is too large");
  const untagged = evidence[0] === 0xd2 ? evidence.subarray(1) : evidence;
  const elements = decodeStrictly(untagged);
  malformed(Array.isArray(elements) && elements.length === 4, "not an array of four");
  const [protectedHeader, unprotectedHeader, payload, signature] = elements;
  malformed(protectedHeader instanceof Uint8Array, "the protected header is no byte string");
  // {1: -35}, in the one shortest encoding that it has.
  require(Buffer.from(protectedHeader).toString("hex") === "a1013822", "unsupported-algorithm", "not ES384");
  malformed(unprotectedHeader instanceof Map && unprotectedHeader.size === 0, "the unprotected header is not empty");
  malformed(payload instanceof Uint8Array, "the payload is no byte string");
  malformed(isBytes(signature, 96, 96), "the signature is not 96 bytes");
  const fields = decodeStrictly(payload);
  malformed(fields instanceof Map, "the payload is no map");
  checkKeys(fields);
  return {
    ...readFields(fields, kind),
    signature,
    signed: encode(["Signature1", protectedHeader, new Uint8Array(), payload]),
  };
}

const names = ["module_id", "digest", "timestamp", "pcrs", "nitrotpm_pcrs", "certificate", "cabundle", "public_key", "user_data", "nonce"];

function checkKeys(fields) {
  for (const key of fields.keys()) {
    require(typeof key === "string", "malformed-evidence", "a key is no text");
    require(names.includes(key) || !names.includes(key.toLowerCase()), "malformed-evidence", `${key} is a field in another case`);
  }
}

function readFields(fields, kind) {
  const check = (condition, detail) => require(condition, "invalid-field", detail);
  const found = fields.has("nitrotpm_pcrs") ? "nitrotpm" : "enclave";
  require(!fields.has("pcrs") || !fields.has("nitrotpm_pcrs"), "wrong-document-kind", "registers of both kinds");
  const moduleID = fields.get("module_id");
  check(typeof moduleID === "string" && moduleID !== "", "module_id");
  check(fields.get("digest") === "SHA384", "digest");
  const timestamp = fields.get("timestamp");
  check(Number.isSafeInteger(timestamp) && timestamp >= 1 && timestamp <= lastTimestamp, "timestamp");
  const registers = fields.get(found === "enclave" ? "pcrs" : "nitrotpm_pcrs");
  check(registers instanceof Map && registers.size > 0, "no registers");
  for (const [index, value] of registers) {
    check(Number.isInteger(index) && index >= 0 && index < (found === "enclave" ? 32 : 24), `register ${index}`);
    check(isBytes(value, 48, 48), `the value of register ${index}`);
  }
  const certificate = fields.get("certificate");
  check(isBytes(certificate, 1, limits.certificate), "certificate");
  const cabundle = fields.get("cabundle");
  check(Array.isArray(cabundle) && cabundle.length >= 1 && cabundle.length <= limits.bundle, "cabundle");
  for (const der of cabundle) check(isBytes(der, 1, limits.certificate), "a certificate of cabundle");
  const optional = {};
  for (const name of ["public_key", "user_data", "nonce"]) {
    const value = fields.get(name) ?? null;
    check(value === null || isBytes(value, 0, limits.field), name);
    optional[name] = value;
  }
  const grammar = found === "enclave" ? /^i-[0-9a-f]+-enc[0-9a-f]{16}$/ : /^i-[0-9a-f]+-tpm0000000000000000$/;
  require(grammar.test(moduleID), "wrong-document-kind", "module_id");
  require(found === kind, "wrong-document-kind", `found ${found}, expected ${kind}`);
  return { kind: found, moduleID, timestamp, registers, certificate, cabundle, ...optional };
}
