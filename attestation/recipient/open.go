package recipient

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/subtle"
	"crypto/x509"
)

// MaxEnvelopeSize is the largest envelope that [Open] and [OpenHPKE] read, in
// bytes. Those of AWS KMS are far smaller: the recorded ones have under 500.
const MaxEnvelopeSize = 2 << 20

// Open decrypts an envelope, a CMS EnvelopedData in BER or DER as AWS KMS
// returns it in CiphertextForRecipient and [Seal] makes it, with the private
// key whose public part was in the attestation document. The envelope is the
// raw bytes, not their base64 form. The plaintext is returned only without an
// error, and is empty but not nil when nothing was sealed.
//
// The error is an *[Error] of one of these reasons: [InvalidKey] (RSA of 2048 to
// 4096 bits with an exponent over 2^16 is accepted), [TooLarge],
// [MalformedEnvelope], [UnsupportedForm], [UnsupportedAlgorithm], [WrongRecipient]
// when the envelope carries another SHA-256 than that of this key's
// SubjectPublicKeyInfo, and [DecryptionFailed] for all the rest.
//
// That Open succeeds does not say who made the envelope, nor that nobody
// altered it: see the package documentation before you use what it returns.
func Open(envelope []byte, key *rsa.PrivateKey) ([]byte, error) {
	if err := checkPrivateKey(key); err != nil {
		return nil, err
	}
	e, err := parseEnvelope(envelope)
	if err != nil {
		return nil, err
	}
	if err := e.checkRecipient(&key.PublicKey); err != nil {
		return nil, err
	}

	// From here on nothing returns early. The content is decrypted and its
	// padding looked at even when the content key is wrong, so that neither the
	// error nor, as far as Go code can see to it, the time tells the two apart.
	contentKey, unwrapped := e.unwrapKey(key)
	defer clear(contentKey)
	padded, err := e.decryptContent(contentKey)
	if err != nil {
		return nil, decryptionFailed()
	}
	length, unpadded := unpad(padded)
	if unwrapped&unpadded != 1 {
		clear(padded)
		return nil, decryptionFailed()
	}
	return padded[:length], nil
}

// checkRecipient compares public values only, so it can say what is wrong.
func (e *envelope) checkRecipient(key *rsa.PublicKey) error {
	spki, err := x509.MarshalPKIXPublicKey(key)
	if err != nil {
		return errorf(InvalidKey, "found an RSA key that has no DER form")
	}
	if want := sha256.Sum256(spki); e.keyID != nil && !bytes.Equal(e.keyID, want[:]) {
		return &Error{Reason: WrongRecipient, Offset: e.keyIDAt, Detail: "subjectKeyIdentifier: found the identifier of another key, expected the SHA-256 of this key's SubjectPublicKeyInfo"}
	}
	if len(e.encryptedKey) != key.Size() {
		err := errorf(MalformedEnvelope, "encryptedKey: found %d bytes, expected the %d of the RSA modulus", len(e.encryptedKey), key.Size())
		err.Offset = e.encryptedAt
		return err
	}
	return nil
}

// unwrapKey decrypts the content key. Where that fails or yields no AES-256
// key it returns a random one, as RFC 3218 advises, and valid is 0 instead of 1.
func (e *envelope) unwrapKey(key *rsa.PrivateKey) (contentKey []byte, valid int) {
	contentKey = make([]byte, contentKeySize)
	rand.Read(contentKey)

	// The key passed checkPrivateKey: an error means rsa.ErrDecryption.
	decrypted, err := rsa.DecryptOAEP(sha256.New(), nil, key, e.encryptedKey, nil)
	if err != nil {
		decrypted = nil
	}
	valid = subtle.ConstantTimeEq(int32(len(decrypted)), contentKeySize)
	candidate := make([]byte, contentKeySize)
	copy(candidate, decrypted)
	subtle.ConstantTimeCopy(valid, contentKey, candidate)
	clear(candidate)
	clear(decrypted)
	return contentKey, valid
}

// decryptContent returns the content with its padding, in memory of its own.
func (e *envelope) decryptContent(contentKey []byte) ([]byte, error) {
	block, err := aes.NewCipher(contentKey)
	if err != nil {
		return nil, err
	}
	padded := make([]byte, len(e.ciphertext))
	cipher.NewCBCDecrypter(block, e.iv).CryptBlocks(padded, e.ciphertext)
	return padded, nil
}
