package release

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/sha256"
	"errors"
	"slices"
)

// resultKeySize is the size of the AES-256 key that precedes the secret in the
// envelope.
const resultKeySize = 32

// exchange names one exchange: what was attested in it, which includes the nonce
// and the enclave's key, and what was sealed.
func exchange(document, envelope []byte) []byte {
	d, e := sha256.Sum256(document), sha256.Sum256(envelope)
	return slices.Concat([]byte("nitroattest/examples/keyrelease result v1"), d[:], e[:])
}

func sealResult(key, result, exchange []byte) ([]byte, error) {
	aead, err := newAEAD(key)
	if err != nil {
		return nil, err
	}
	return aead.Seal(nil, nil, result, exchange), nil
}

func openResult(key, answer, exchange []byte) ([]byte, error) {
	aead, err := newAEAD(key)
	if err != nil {
		return nil, err
	}
	result, err := aead.Open(nil, nil, answer, exchange)
	if err != nil {
		return nil, errors.New("release: the result is not the enclave's for this secret and this exchange")
	}
	return result, nil
}

func newAEAD(key []byte) (cipher.AEAD, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCMWithRandomNonce(block)
}
