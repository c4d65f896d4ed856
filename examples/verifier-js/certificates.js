// The chain: root, then the bundle in its order, then the leaf.
import { createPublicKey, verify, X509Certificate } from "node:crypto";
import { hex, read, sequence } from "./der.js";
import { Refusal, require } from "./refusal.js";

const oid = {
  ecdsaWithSHA384: "300a06082a8648ce3d040303", // the whole AlgorithmIdentifier
  keyP384: "301006072a8648ce3d020106052b81040022",
  basicConstraints: "551d13",
  keyUsage: "551d0f",
  commonName: "550403",
};
// Extensions that may be critical: those that are evaluated here.
const understood = [oid.basicConstraints, oid.keyUsage];

function parse(der) {
  const [tbs, algorithm, signature, ...rest] = sequence(der);
  if (rest.length > 0) throw new Error("a certificate of more than three parts");
  const parts = read(tbs.content);
  if (parts.length !== 8) throw new Error("not the parts of a certificate of version 3 with extensions");
  const [version, serial, innerAlgorithm, issuer, validity, subject, key, extensions] = parts;
  if (hex(version.raw) !== "a003020102") throw new Error("not of version 3");
  if (hex(algorithm.raw) !== oid.ecdsaWithSHA384 || hex(innerAlgorithm.raw) !== oid.ecdsaWithSHA384) throw new Error("not signed by ECDSA with SHA-384");
  checkKey(key);
  if (extensions.tag !== 0xa3 || serial.tag !== 2) throw new Error("no serial number or extensions");
  const certificate = {
    der,
    key: createPublicKey({ key: key.raw, format: "der", type: "spki" }),
    tbs: tbs.raw,
    signature: signature.content.subarray(1),
    serial: serial.content,
    issuer: issuer.raw,
    subject: subject.raw,
    notBefore: time(read(validity.content)[0]),
    notAfter: time(read(validity.content)[1]),
    extensions: new Map(),
  };
  for (const extension of read(read(extensions.content)[0].content)) {
    const elements = read(extension.content);
    const name = hex(elements[0].content);
    const critical = elements.length === 3 && elements[1].content[0] === 0xff;
    if (certificate.extensions.has(name)) throw new Error("an extension twice");
    if (critical && !understood.includes(name)) throw new Error("a critical extension that is not understood");
    certificate.extensions.set(name, elements.at(-1).content);
  }
  certificate.constraints = basicConstraints(certificate.extensions);
  certificate.usage = keyUsage(certificate.extensions);
  certificate.commonNames = commonNames(certificate.subject);
  return certificate;
}

// checkKey is there before OpenSSL reads the key: Node 20 crashes on the point at
// infinity.
function checkKey(key) {
  const [algorithm, point] = read(key.content);
  if (hex(algorithm.raw) !== oid.keyP384) throw new Error("the key is not of P-384");
  const bits = point.content; // no unused bits, 4 for an uncompressed point, x and y
  if (point.tag !== 3 || bits.length !== 98 || bits[0] !== 0 || bits[1] !== 4) throw new Error("the key is no point of the curve");
}

// time reads a UTCTime or a GeneralizedTime in the one form of RFC 5280.
function time(value) {
  let text = Buffer.from(value.content).toString("latin1");
  if (value.tag === 0x17) text = (Number(text.slice(0, 2)) < 50 ? "20" : "19") + text;
  const m = /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)Z$/.exec(text);
  if (!m) throw new Error("a time in another form");
  return Date.UTC(m[1], m[2] - 1, m[3], m[4], m[5], m[6]);
}

function basicConstraints(extensions) {
  const value = extensions.get(oid.basicConstraints);
  if (!value) return { ca: false };
  const [ca, pathLength] = sequence(value);
  return { ca: ca?.tag === 1 && ca.content[0] === 0xff, pathLength: pathLength && Number(`0x${hex(pathLength.content)}`) };
}

// keyUsage returns the first eight bits, of which the first is the highest.
function keyUsage(extensions) {
  const value = extensions.get(oid.keyUsage);
  if (!value) return 0;
  const [bits] = read(value);
  if (bits.tag !== 3) throw new Error("a key usage of another type");
  return bits.content[1] ?? 0;
}

function commonNames(name) {
  const found = [];
  for (const set of sequence(name)) {
    for (const attribute of read(set.content)) {
      const [type, value] = read(attribute.content);
      if (hex(type.content) === oid.commonName) found.push(Buffer.from(value.content).toString("utf8"));
    }
  }
  return found;
}

const digitalSignature = 0x80;
const keyCertSign = 0x04;

// verifyChain returns the key of the leaf.
export function verifyChain(document, rootPEM, now, skew) {
  const root = Buffer.from(new X509Certificate(rootPEM).raw);
  require(root.equals(Buffer.from(document.cabundle[0])), "untrusted-root", "the bundle does not begin with the trusted root");
  const ders = [...document.cabundle, document.certificate];
  let chain;
  try {
    chain = ders.map(parse);
  } catch (err) {
    throw new Refusal("invalid-chain", err.message);
  }
  const check = (condition, detail) => require(condition, "invalid-chain", detail);
  const leaf = chain.at(-1);
  chain.forEach((certificate, i) => {
    const { constraints, usage } = certificate;
    if (certificate === leaf) {
      check(!constraints.ca && chain.length > 1, "the leaf is an authority");
      check(usage & digitalSignature, "the key of the leaf is not for signatures");
    } else {
      check(constraints.ca && usage & keyCertSign, "an issuer that is no authority");
      check(constraints.pathLength === undefined || constraints.pathLength >= chain.length - 2 - i, "the chain is longer than an authority allows for");
    }
    if (i > 0) check(hex(certificate.issuer) === hex(chain[i - 1].subject), "a certificate of another issuer");
  });
  checkLeafName(leaf, document.moduleID);
  for (const certificate of chain) {
    require(now <= certificate.notAfter + 999, "certificate-expired", "a certificate has expired");
    require(now >= certificate.notBefore - (certificate === leaf ? skew : 0), "certificate-not-yet-valid", "a certificate is not valid yet");
  }
  chain.forEach((certificate, i) => {
    const issuer = chain[Math.max(i - 1, 0)];
    check(verify("sha384", certificate.tbs, issuer.key, certificate.signature), "a signature of the chain does not verify");
  });
  return { chain, leaf, key: leaf.key };
}

function checkLeafName(leaf, moduleID) {
  const [name, ...others] = leaf.commonNames;
  const ok = others.length === 0 && name?.startsWith(`${moduleID}.`) && /^[A-Za-z0-9-]+\.aws$/.test(name.slice(moduleID.length + 1));
  require(ok, "invalid-chain", "the leaf is not named after the module");
}

// attributes are the types of RFC 4514 that have a short name.
const attributes = { 550403: "CN", 550406: "C", 550407: "L", 550408: "ST", "55040a": "O", "55040b": "OU" };

// nameOf writes a name as RFC 4514 has it, the last part first. Names in these
// certificates have no characters that would need to be escaped.
export function nameOf(der) {
  const parts = sequence(der).map((set) =>
    read(set.content)
      .map((attribute) => {
        const [type, value] = read(attribute.content);
        return `${attributes[hex(type.content)]}=${Buffer.from(value.content).toString("utf8")}`;
      })
      .join("+"),
  );
  return parts.reverse().join(",");
}
