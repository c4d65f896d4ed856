// Package recipient carries secrets to an attested enclave: it opens the
// CiphertextForRecipient that AWS KMS answers an enclave with, and lets any
// other relying party answer in the same form.
//
// An enclave makes a key pair, puts the public key into its attestation
// document and sends the document along with a request. Whoever verifies the
// document encrypts the answer to that key, and only the enclave can read it,
// not the parent instance that passes the bytes on. AWS KMS does so for
// Decrypt, GenerateDataKey, GenerateDataKeyPair, GenerateRandom and
// DeriveSharedSecret when the request has a Recipient, after it compared the
// registers with the kms:RecipientAttestation conditions of the key policy.
//
//	enclave:        document with public_key    ->    verifier.Verify
//	                recipient.Open(envelope)    <-    recipient.Seal(result, secret)
//
// [Seal] takes the result of a verification and nothing else, so that a secret
// cannot go to a key that nobody vouched for. [SealHPKE] and [OpenHPKE] do the
// same with HPKE for enclaves that have an X25519 or P-384 key, and [SealHybrid] and
// [OpenHybrid] with post-quantum keys; AWS KMS does not know these forms, and they
// need Go 1.26. A [Reason] says why something was refused.
//
// # The envelope of AWS KMS
//
// It is a CMS EnvelopedData (RFC 5652, section 6) with one recipient:
//
//	ContentInfo                    SEQUENCE
//	  contentType                  envelopedData
//	  content                      [0]
//	    EnvelopedData              SEQUENCE
//	      version                  2
//	      recipientInfos           SET of one
//	        KeyTransRecipientInfo  SEQUENCE
//	          version              2
//	          subjectKeyIdentifier [0] SHA-256 of the SubjectPublicKeyInfo, 32 bytes
//	          keyEncryptionAlg.    RSAES-OAEP, SHA-256, MGF1 with SHA-256, no label (RFC 4055)
//	          encryptedKey         OCTET STRING, as long as the modulus: a 32-byte key
//	      encryptedContentInfo     SEQUENCE
//	        contentType            data
//	        contentEncryptionAlg.  AES-256-CBC with a 16-byte initialization vector (RFC 3565)
//	        encryptedContent       [0] padded to whole blocks (RFC 5652, section 6.3)
//
// It comes in BER, not DER: the levels around recipientInfos have indefinite
// lengths, and the content is a series of OCTET STRINGs of 1000 bytes, which
// need not be whole blocks. encoding/asn1 reads none of that. [Seal] writes
// exactly this form. [Open] takes any form of length and content whole or in
// pieces, since other producers differ there. It also takes version 0 with the
// recipient named by issuerAndSerialNumber, as openssl cms does without -keyid and
// LocalStack for AWS KMS: no certificate is looked up, and an envelope for another
// key is [DecryptionFailed] then in place of [WrongRecipient]. It takes nothing
// else:
//
//   - [UnsupportedForm]: a second recipient, another content type, an identifier of
//     20 bytes, or attributes;
//   - [UnsupportedAlgorithm]: another algorithm or parameter, such as
//     RSAES-PKCS1-v1_5 or an initialization vector of more than 16 bytes;
//   - [MalformedEnvelope]: bytes after the end.
//
// Its reader has no recursion, and its memory is bounded by the input.
//
// # What an envelope does not say
//
// It does not say who made it. A public key is public, and whoever holds it can
// seal: that Open succeeds says nothing about where the plaintext came from. It
// does not say when it was made either, so that an old one can be sent again. An
// enclave that takes a configuration or a key from an envelope has to know its
// source by other means: the TLS connection to AWS KMS that ends inside the
// enclave and that the answer arrived on, or a signature in the plaintext.
//
// CBC is encryption without authentication. Who carries an envelope can change
// it: flipping a bit of the initialization vector flips that bit of the first
// 16 bytes of plaintext, blocks can be cut off or swapped, and Open will often
// not notice. And who can send altered envelopes and learn of each whether it
// opened can decrypt by asking (Vaudenay, Eurocrypt 2002). Open does what it
// can: one error for everything that depends on the plaintext, a padding check
// in constant time, and the same work when the content key is wrong, with a
// random one in its place (RFC 3218). The rest is up to the caller, for success
// itself is an answer: open envelopes only from an authenticated connection,
// and do not tell others how it went. With SealHPKE the content is
// authenticated, though its sender still is not.
//
// # The HPKE envelope
//
//	"HPKE"   4 bytes
//	kem_id   2 bytes, big-endian     0x0020 X25519    0x0011 P-384
//	kdf_id   2 bytes                 0x0001           0x0002    HKDF with SHA-256, SHA-384
//	aead_id  2 bytes                 0x0002           0x0002    AES-256-GCM
//	enc                              32 bytes         97 bytes
//	ct                               the plaintext and 16 bytes of tag
//
// The first ten bytes are the suite_id of RFC 9180, section 5.1. The mode is
// base, aad is empty, and info is the ASCII text
//
//	nitroattest/recipient/hpke v1
//
// which holds nothing secret and keeps envelopes of this form from being taken
// for anything else that is encrypted to the same key. The key type decides the
// suite; nothing is negotiated.
//
// # Post-quantum keys
//
// What is sealed to RSA, X25519 or P-384 today can be kept and opened by whoever
// has a quantum computer one day. [SealHybrid] joins ML-KEM with an elliptic curve
// (hpke.MLKEM768X25519 and hpke.MLKEM1024P384 of crypto/hpke,
// draft-ietf-hpke-pq); the secret holds as long as one of the two does. The
// envelope is as above:
//
//	kem_id    0x647a MLKEM768-X25519    0x0051 MLKEM1024-P384
//	kdf_id    0x0002                    0x0002                   HKDF with SHA-384
//	aead_id   0x0002                    0x0002                   AES-256-GCM
//	enc       1120 bytes                1665 bytes
//
// Such keys do not fit into a document, of which a field has at most 1024 bytes. The
// enclave puts a [Commitment] into user_data or public_key and sends the key beside
// the document. The commitment has a label, so that a hash that is there for
// another reason is not taken for one, and names the KEM. SealHybrid refuses a key
// that is not the one committed to.
//
// There is no way back to a classical key without saying so: [Seal] and
// [SealHPKE] refuse a document with a field that begins with the label, whatever
// follows it. A relying party that wants post-quantum from every enclave sets
// Sealer.PostQuantum. The signatures under the document are ECDSA: who can forge
// them at the time of the exchange gets the secret all the same.
//
// # Limits
//
// RSA keys have 2048 to 4096 bits and an exponent over 2^16. Envelopes are at
// most [MaxEnvelopeSize] and plaintexts [MaxPlaintextSize] bytes. All
// cryptography is Go's standard library and works in its FIPS 140-only mode, with
// the exception of X25519. MLKEM768-X25519 works, since ML-KEM is approved.
//
// Content keys are wiped after use, and so is what was decrypted when it is not
// returned. Go does not let a library wipe the key schedules inside crypto/aes
// and crypto/hpke, nor copies that the runtime made. No key or plaintext is in
// an error. Make the enclave's key pair inside the enclave, keep it there, and
// make a new one at every start.
//
// Sources: RFC 5652, RFC 4055, RFC 3565, RFC 9180; AWS KMS API Reference,
// "Recipient"; aws/aws-nitro-enclaves-sdk-c; recorded envelopes.
package recipient
