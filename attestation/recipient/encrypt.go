package recipient

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
)

// sealRSA makes the envelope that AWS KMS would make for an RSA public key in
// the DER form of its SubjectPublicKeyInfo.
func sealRSA(spki, plaintext []byte) ([]byte, error) {
	key, err := parsePublicKey(spki)
	if err != nil {
		return nil, err
	}
	contentKey := make([]byte, contentKeySize)
	defer clear(contentKey)
	rand.Read(contentKey)
	encryptedKey, err := rsa.EncryptOAEP(sha256.New(), rand.Reader, key, contentKey, nil)
	if err != nil {
		return nil, errorf(InvalidKey, "the public_key cannot be sealed to: %v", err)
	}

	iv := make([]byte, aes.BlockSize)
	rand.Read(iv)
	block, err := aes.NewCipher(contentKey)
	if err != nil {
		return nil, errorf(InvalidKey, "the content key cannot be used: %v", err)
	}
	// The padded copy of the plaintext is encrypted where it lies, so that none
	// is left behind.
	content := pad(plaintext)
	cipher.NewCBCEncrypter(block, iv).CryptBlocks(content, content)

	keyID := sha256.Sum256(spki)
	e := envelope{keyID: keyID[:], encryptedKey: encryptedKey, iv: iv, ciphertext: content}
	return e.encode(), nil
}
