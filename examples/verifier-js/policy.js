// Policies: images, of which one has to match as a whole.
import { Refusal } from "./refusal.js";

const zero = "00".repeat(48);
// Register 7 of every instance that has Secure Boot off.
const secureBootOff = "98441c7f7625d10058c47683aec486ce311c633235eb555593a7ee791121e3578ae72d04ecef661f272d59058b77af35";

// readPolicy reads the text of a policy file for documents of a kind.
export function readPolicy(text, kind) {
  let policy;
  try {
    policy = JSON.parse(text);
  } catch (err) {
    throw new Refusal("policy", err.message);
  }
  checkKeys(policy, ["images", "kind"], "the policy");
  if (policy.kind !== undefined && policy.kind !== kind) throw new Refusal("policy", `it is for ${policy.kind}`);
  return usablePolicy(policy, kind);
}

function checkKeys(object, known, what) {
  if (object === null || typeof object !== "object" || Array.isArray(object)) throw new Refusal("policy", `${what} is no object`);
  for (const key of Object.keys(object)) if (!known.includes(key)) throw new Refusal("policy", `${what} has the key ${key}`);
}

// usablePolicy returns images with their registers by number, or throws.
export function usablePolicy(policy, kind) {
  if (!Array.isArray(policy.images) || policy.images.length === 0) throw new Refusal("policy", "it has no image");
  const names = new Set();
  const images = policy.images.map((image) => {
    checkKeys(image, ["name", "pcrs", "exchange", "source"], "an image");
    if (typeof image.name !== "string" || image.name === "" || names.has(image.name)) throw new Refusal("policy", "an image without a name of its own");
    names.add(image.name);
    const registers = readRegisters(image.pcrs, kind);
    const exchange = readExchange(image.exchange ?? [], registers, kind);
    if (!pinsCode(registers, kind)) throw new Refusal("policy", `${image.name} pins no code`);
    return { name: image.name, registers, exchange };
  });
  for (const a of images) {
    for (const b of images) {
      if (a !== b && [...a.registers].every(([register, value]) => b.registers.get(register) === value)) {
        throw new Refusal("policy", `${a.name} accepts all that ${b.name} does`);
      }
    }
  }
  return images;
}

function readRegisters(pcrs, kind) {
  if (pcrs === null || typeof pcrs !== "object" || Array.isArray(pcrs)) throw new Refusal("policy", "an image without registers");
  const registers = new Map();
  for (const [name, value] of Object.entries(pcrs)) {
    const m = /^(?:PCR)?(0|[1-9][0-9]?)$/.exec(name);
    if (!m || typeof value !== "string" || !/^[0-9a-fA-F]{96}$/.test(value)) throw new Refusal("policy", `register ${name}`);
    const register = Number(m[1]);
    if (registers.has(register) || !mayHold(register, value.toLowerCase(), kind)) throw new Refusal("policy", `register ${name}`);
    registers.set(register, value.toLowerCase());
  }
  return registers;
}

function mayHold(register, value, kind) {
  if (kind === "enclave") return register < 32 && value !== zero;
  if (register > 23 || register === 16) return false;
  if (register === 23) return value === zero;
  return value !== zero || (register >= 11 && register <= 14);
}

function pinsCode(registers, kind) {
  const has = (...list) => list.every((register) => registers.has(register));
  if (kind === "enclave") return has(0) || has(1, 2) || has(8);
  return has(4, 12, 13) || (has(7, 13) && registers.get(7) !== secureBootOff);
}

function readExchange(list, registers, kind) {
  const least = kind === "enclave" ? 16 : 8;
  const ok =
    Array.isArray(list) &&
    list.every((register, i) => Number.isInteger(register) && register >= least && register < 32 && !registers.has(register) && list.indexOf(register) === i);
  if (!ok) throw new Refusal("policy", "exchange");
  return list;
}

// matching returns the image that the registers of a document match.
export function matching(images, registers) {
  const found = (register) => registers.has(register) && Buffer.from(registers.get(register)).toString("hex");
  return images.find((image) => [...image.registers].every(([register, value]) => found(register) === value));
}
