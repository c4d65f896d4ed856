// A document or a policy that is refused, with a reason of the vectors.
export class Refusal extends Error {
  constructor(reason, detail) {
    super(`${reason}: ${detail}`);
    this.reason = reason;
  }
}

export function require(condition, reason, detail) {
  if (!condition) throw new Refusal(reason, detail);
}
