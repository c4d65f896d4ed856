// What a client in TypeScript writes against the generated types. It is compiled
// and not run: .ci/openapi does so, where npm is there.
import type { components, paths } from "./api";

type Verdict = paths["/v1/verify"]["post"]["responses"]["200"]["content"]["application/json"];
type Request = components["schemas"]["VerifyRequest"];

// Two members are enough, and what has a default can be left out.
export const request: Request = { policy: "prod", document: "hEShATgi" };
export const none: components["schemas"]["ChallengeRequest"] = {};

export const exchange: Request = { ...request, no_user_data: true, no_public_key: null, pcrs: { "16": "00" } };

// @ts-expect-error: a request without a policy
export const incomplete: Request = { document: "hEShATgi" };

// accepted and report tell which verdict it is.
export function moduleOf(verdict: Verdict): string {
  if (!verdict.accepted) {
    // A reason that there is not would not compile.
    const stale: boolean = verdict.reason === "stale";
    return stale ? "again" : verdict.detail;
  }
  const authentic: true = verdict.authentic;
  const nothing: "" = verdict.reason;
  if (verdict.report === "brief") {
    const timestamp: string = verdict.timestamp;
    return verdict.module_id + timestamp + nothing;
  }
  const registers: { [register: string]: string } = verdict.document.pcrs;
  return verdict.document.module_id + Object.keys(registers).length + String(authentic);
}

export function misread(verdict: Verdict): string {
  // @ts-expect-error: nothing is known of the document before accepted is looked at
  return verdict.document.module_id;
}

// Problems have names.
export function retry(problem: components["schemas"]["Problem"]): boolean {
  return problem.type === "tag:nitroattest.github.io,2026:problem:overloaded";
}

export type Keys = paths["/v1/keys"]["get"]["responses"]["200"]["content"]["application/jwk-set+json"];
export const raw: keyof NonNullable<paths["/v1/verify"]["post"]["requestBody"]>["content"] = "application/cose";
