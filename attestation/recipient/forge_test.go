package recipient_test

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

// parts is an envelope taken apart. Its encoding is put together here, without
// the package's own writer; a test changes one part.
type parts struct {
	contentType, version, recipients, innerType, cipher, content []byte
	before, after                                                []byte // around recipientInfos and encryptedContentInfo
}

// recipientParts is the one KeyTransRecipientInfo.
type recipientParts struct {
	version, keyID, algorithm, encryptedKey []byte
}

func (r recipientParts) encode() []byte {
	return tlv(0x30, r.version, r.keyID, r.algorithm, r.encryptedKey)
}

func (p parts) encode() []byte {
	return open(0x30, p.contentType, open(0xa0, open(0x30,
		p.version, p.before, tlv(0x31, p.recipients),
		open(0x30, p.innerType, p.cipher, p.content), p.after)))
}

func tlv(tag byte, contents ...[]byte) []byte {
	body := bytes.Join(contents, nil)
	return slices.Concat(header(tag, len(body)), body)
}

func header(tag byte, n int) []byte {
	switch {
	case n < 0x80:
		return []byte{tag, byte(n)}
	case n < 0x100:
		return []byte{tag, 0x81, byte(n)}
	case n < 0x10000:
		return []byte{tag, 0x82, byte(n >> 8), byte(n)}
	}
	return []byte{tag, 0x84, byte(n >> 24), byte(n >> 16), byte(n >> 8), byte(n)}
}

func open(tag byte, contents ...[]byte) []byte {
	return slices.Concat([]byte{tag, 0x80}, bytes.Join(contents, nil), []byte{0, 0})
}

func oid(octets ...byte) []byte { return tlv(0x06, octets) }

var (
	pkcs7Data      = oid(0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 7, 1)
	pkcs7Signed    = oid(0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 7, 2)
	pkcs7Enveloped = oid(0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 7, 3)
	rsaEncryption  = oid(0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 1)
	rsaesOAEP      = oid(0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 7)
	mgf1           = oid(0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 8)
	pSpecified     = oid(0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 9)
	sha1           = oid(0x2b, 0x0e, 3, 2, 0x1a)
	sha256Alg      = oid(0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 1)
	sha384Alg      = oid(0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 2)
	aes128CBC      = oid(0x60, 0x86, 0x48, 1, 0x65, 3, 4, 1, 2)
	aes256CBC      = oid(0x60, 0x86, 0x48, 1, 0x65, 3, 4, 1, 0x2a)
	aes256GCM      = oid(0x60, 0x86, 0x48, 1, 0x65, 3, 4, 1, 0x2e)
	null           = []byte{0x05, 0x00}
	version2       = []byte{0x02, 0x01, 0x02}
)

func oaep(hash, maskHash []byte, more ...[]byte) []byte {
	return tlv(0x30, rsaesOAEP, tlv(0x30,
		tlv(0xa0, hash), tlv(0xa1, tlv(0x30, mgf1, maskHash)), bytes.Join(more, nil)))
}

func sha256WithNull() []byte { return tlv(0x30, sha256Alg, null) }

// forge makes the parts of an envelope to key with a content key and content
// of any length, the content as it is, without padding.
func forge(t testing.TB, key *rsa.PublicKey, contentKey, content []byte) (parts, recipientParts) {
	t.Helper()
	encrypted, err := rsa.EncryptOAEP(sha256.New(), rand.Reader, key, contentKey, nil)
	require.NoError(t, err)
	iv := bytes.Repeat([]byte{7}, aes.BlockSize)
	ciphertext := slices.Clone(content)
	usable := make([]byte, 32)
	copy(usable, contentKey)
	block, err := aes.NewCipher(usable)
	require.NoError(t, err)
	cipher.NewCBCEncrypter(block, iv).CryptBlocks(ciphertext, ciphertext)

	id := sha256.Sum256(spkiOf(t, key))
	r := recipientParts{version2, tlv(0x80, id[:]), oaep(sha256WithNull(), sha256WithNull()), tlv(0x04, encrypted)}
	p := parts{
		contentType: pkcs7Enveloped, version: version2, recipients: r.encode(), innerType: pkcs7Data,
		cipher:  tlv(0x30, aes256CBC, tlv(0x04, iv)),
		content: open(0xa0, tlv(0x04, ciphertext)),
	}
	return p, r
}

func padded(plaintext string) []byte {
	n := 16 - len(plaintext)%16
	return append([]byte(plaintext), bytes.Repeat([]byte{byte(n)}, n)...)
}

var contentKey = bytes.Repeat([]byte{0x5a}, 32)
