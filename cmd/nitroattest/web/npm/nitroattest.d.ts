/** Bytes, or the text of a file: documents may be raw, base64, hex, or JSON with one inside. */
export type Data = Uint8Array | ArrayBuffer | ArrayBufferView | string;

export type Kind = "enclave" | "nitrotpm";

/** Registers by decimal index, each 96 hex digits. */
export type Registers = { [index: string]: string };

export interface Image {
  name: string;
  pcrs: Registers;
  /** Registers of the application's own that an exchange has to expect. */
  exchange?: number[];
  source?: string;
}

export interface Policy {
  kind?: Kind;
  images: Image[];
}

/**
 * What is demanded of a document. It needs a policy or insecure_any_image, and
 * nonce, max_age or recorded. Unknown keys, null and undefined are errors.
 */
export interface Settings {
  /** Without it, the kind of the policy, or "enclave". */
  kind?: Kind;
  /** The acceptable images, or the text of a file in any published form; a signed policy with policy_keys. */
  policy?: Policy | object | string;
  /** PEM with the public keys of those who may sign the policy. */
  policy_keys?: string;
  /** How many of them have to have signed; without it all. */
  policy_threshold?: number;
  /** The name that the signed policy has to have. */
  policy_name?: string;
  /** Any code will do, in place of a policy. */
  insecure_any_image?: boolean;
  /** Enclaves in debug mode will do. */
  insecure_allow_debug?: boolean;
  /** The challenge: bytes, or hex. */
  nonce?: Uint8Array | string;
  /** The largest age of the document, in whole seconds. */
  max_age?: number;
  /** Appraise as of the document's own timestamp; says nothing of freshness. */
  recorded?: boolean;
  /** Verification time in place of now: a Date, or RFC 3339. */
  at?: Date | string;
  /** What the field has to be: bytes, or hex; "" for present and empty. */
  user_data?: Uint8Array | string;
  public_key?: Uint8Array | string;
  /** The field has to be null. */
  no_user_data?: boolean;
  no_public_key?: boolean;
  /** Registers that this exchange expects, beside the image. */
  pcrs?: Registers;
  /** PEM with the roots to trust in place of AWS's. */
  roots?: string;
  /** The AWS partition whose root to trust. */
  partition?: "aws" | "aws-us-gov";
  /** Revocation lists: DER as bytes or base64, or PEM. */
  crls?: (Uint8Array | string)[];
  /** What to do where no current list is there; without it "refuse". */
  missing_crl?: "refuse" | "insecure-accept";
  /** Module IDs, instance IDs and certificates that are refused. */
  denied?: (string | { issuer: string; serial: string })[];
}

export type Reason =
  | "malformed-evidence" | "unsupported-algorithm" | "invalid-field" | "wrong-document-kind"
  | "untrusted-root" | "invalid-chain" | "certificate-expired" | "certificate-not-yet-valid" | "certificate-revoked"
  | "bad-signature" | "debug-mode" | "measurement-mismatch" | "register-mismatch"
  | "nonce-mismatch" | "stale" | "timestamp-out-of-range" | "user-data-mismatch" | "public-key-mismatch";

export interface Document {
  kind: Kind;
  module_id: string;
  /** RFC 3339. */
  timestamp: string;
  digest: string;
  pcrs: Registers;
  /** Hex, or null. */
  public_key: string | null;
  user_data: string | null;
  nonce: string | null;
  unknown_fields: string[];
}

export interface Check {
  name: string;
  status: "pass" | "fail" | "skipped" | "not-reached";
  reason: Reason | "";
  detail: string;
}

export interface Certificate {
  subject: string;
  serial: string;
  not_before: string;
  not_after: string;
  sha256: string;
}

/** The verdict and what it rests on. Look at accepted before anything else. */
export interface Report {
  accepted: boolean;
  /** Whether a genuine hypervisor signed it, accepted or not. */
  authentic: boolean;
  /** Why it was refused; "" if it was accepted, or if what was given is no document in any form. */
  reason: Reason | "";
  detail: string;
  /** What to do about a refusal, or "". */
  hint: string;
  /** The image that matched; null unless accepted. */
  image: Image | null;
  debug: boolean;
  verified_at: string | null;
  fresh_until: string | null;
  /** The fields; null unless authentic. */
  document: Document | null;
  /** The fields of a document that is not authentic: whatever they say, nobody vouches for it. */
  unverified_document: Document | null;
  mismatch: { images: object[] } | null;
  registers: { register: number; want: string; got: string | null; equal: boolean }[];
  /** Leaf first. */
  chain: Certificate[];
  checks: Check[];
  /** Who vouches for a signed policy, or null. */
  policy: object | null;
}

export interface Measurements {
  kind: Kind;
  /** The registers as AWS's tools print them, which Settings.policy takes. */
  policy: { Measurements: { HashAlgorithm: string; [register: string]: string } };
  warnings: string[];
}

export interface MeasureOptions {
  /** What boots the image; "enclave" without it. */
  kind?: Kind;
  /** Of a NitroTPM: whether the firmware measures the kernel; without it, as the stub in the image has it. */
  kernel?: "measured" | "not-measured";
  signal?: AbortSignal;
  /** Called before each piece is read. The file is read twice. */
  onprogress?: (offset: number, size: number) => void;
}

export type FileType =
  | "document" | "policy" | "signed-policy" | "public-keys" | "certificates" | "revocation-list"
  | "enclave-image" | "kernel-image" | "unknown";

export interface Verifier {
  /** Of the verifier. */
  readonly version: string;
  /** Appraises one document. Throws SettingsError, and TypeError for what is no data. */
  appraise(document: Data, settings: Settings | string): Report;
  /**
   * Writes one HTML page about documents, the same as `nitroattest report`. It
   * is in a larger file, nitroattest-report.wasm, which the first call loads.
   */
  report(documents: { name: string; data: Data }[], settings: Settings | string): Promise<string>;
  /**
   * Measures an image file in pieces of 1 MiB. Rejects with MeasureError. It is
   * in nitroattest-report.wasm, too.
   */
  measure(file: Blob | Data, options?: MeasureOptions): Promise<Measurements>;
  /** Says what a file looks like by its content; of image files the first bytes are enough. */
  identify(data: Data): FileType;
}

/** The bytes of a .wasm file, a compiled module, or a Response. */
export type Source = BufferSource | WebAssembly.Module | Response | Promise<Response>;

/**
 * Starts the verifier. Without sources it reads nitroattest.wasm, and for reports
 * and images nitroattest-report.wasm, from beside this file. The second can do all that the
 * first does: given as source, it is all that is loaded.
 */
export function load(source?: Source, reportSource?: Source): Promise<Verifier>;

/** Settings that cannot be used. Nothing was appraised. */
export class SettingsError extends Error {
  readonly mistakes: { setting: string; path: string; message: string; hint: string }[];
}

/** An image file that cannot be measured. */
export class MeasureError extends Error {
  /** A stable name, "walks-differ" for example, or "". */
  readonly reason: string;
}
