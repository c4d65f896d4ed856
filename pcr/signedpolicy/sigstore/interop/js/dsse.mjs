// Verifies the envelope in a directory with Sigstore's library, or signs the
// payload there and prints an envelope.
//   node dsse.mjs verify|sign DIR
import { readFileSync } from 'node:fs';
import { createPrivateKey, createPublicKey, sign } from 'node:crypto';
import { join } from 'node:path';
import { crypto, dsse } from '@sigstore/core';

const [command, directory] = process.argv.slice(2);
const read = (name) => readFileSync(join(directory, name));
const key = createPublicKey(read('key.pem'));
const hash = { 'prime256v1': 'sha256', 'secp384r1': 'sha384' }[key.asymmetricKeyDetails.namedCurve];

if (command === 'verify') {
  const envelope = JSON.parse(read('envelope.json'));
  const message = dsse.preAuthEncoding(envelope.payloadType, Buffer.from(envelope.payload, 'base64'));
  const signature = Buffer.from(envelope.signatures[0].sig, 'base64');
  process.exit(crypto.verify(message, key, signature, hash) ? 0 : 1);
}
const payloadType = 'application/vnd.in-toto+json';
const payload = read('payload');
const signature = sign(hash ?? null, dsse.preAuthEncoding(payloadType, payload), createPrivateKey(read('private.pem')));
console.log(JSON.stringify({
  payload: payload.toString('base64'), payloadType,
  signatures: [{ sig: signature.toString('base64'), keyid: '' }],
}));
