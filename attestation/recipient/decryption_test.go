package recipient_test

import (
	"bytes"
	"fmt"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/nitroattest/nitroattest/attestation/recipient"
)

// Whatever goes wrong once the private key is in use, the error is the same in
// every field, so that it tells nobody what it was.
func TestDecryptionFailuresAreAlike(t *testing.T) {
	t.Parallel()
	key := rsa2048(t)
	var want error
	refuse := func(name string, envelope []byte) {
		t.Run(name, func(t *testing.T) {
			opened, err := recipient.Open(envelope, key)
			requireReason(t, recipient.DecryptionFailed, opened, err)
			if want == nil {
				want = err
			}
			assert.Equal(t, want, err)
		})
	}

	for _, name := range []string{"bad_pad_zero", "bad_pad_mismatch", "bad_cek16"} {
		refuse(name, syntheticEnvelope(t, name))
	}
	for _, n := range []int{0, 1, 16, 24, 31, 33, 64, 190} {
		p, _ := forge(t, &key.PublicKey, bytes.Repeat([]byte{1}, n), padded(greeting))
		refuse(fmt.Sprintf("content key of %d bytes", n), p.encode())
	}

	p, r := forge(t, &key.PublicKey, contentKey, padded(greeting))
	encrypted := r.encryptedKey[4:]
	withKey := func(encryptedKey []byte) []byte {
		p, r := p, r
		r.encryptedKey = tlv(4, encryptedKey)
		p.recipients = r.encode()
		return p.encode()
	}
	flipped := slices.Clone(encrypted)
	flipped[255] ^= 1
	refuse("encrypted key with a flipped bit", withKey(flipped))
	refuse("encrypted key of zeros", withKey(make([]byte, 256)))
	refuse("encrypted key beyond the modulus", withKey(bytes.Repeat([]byte{0xff}, 256)))
	refuse("encrypted key equal to the modulus", withKey(key.N.Bytes()))
}

// With a wrong content key the content decrypts to noise, of which one in 256
// ends in right padding. None of it may come out.
func TestNoiseIsNeverReturned(t *testing.T) {
	t.Parallel()
	key := rsa2048(t)
	envelope := syntheticEnvelope(t, "bad_cek16")
	for range 1000 {
		opened, err := recipient.Open(envelope, key)
		requireReason(t, recipient.DecryptionFailed, opened, err)
	}
}

// Every last byte, with as many copies of it before it as a block has room for.
func TestPaddingOfEveryLength(t *testing.T) {
	t.Parallel()
	key := rsa2048(t)
	for n := range 256 {
		content := append(bytes.Repeat([]byte{0xee}, 16), make([]byte, 16)...)
		for i := range min(n, 32) {
			content[31-i] = byte(n)
		}
		content[31] = byte(n)
		p, _ := forge(t, &key.PublicKey, contentKey, content)
		opened, err := recipient.Open(p.encode(), key)
		if n >= 1 && n <= 16 {
			require.NoError(t, err, n)
			assert.Equal(t, content[:32-n], opened)
			continue
		}
		requireReason(t, recipient.DecryptionFailed, opened, err)
	}
}

func TestEveryPaddingByteCounts(t *testing.T) {
	t.Parallel()
	key := rsa2048(t)
	for i := range 15 {
		content := bytes.Repeat([]byte{16}, 16)
		content[i] = 15
		p, _ := forge(t, &key.PublicKey, contentKey, content)
		opened, err := recipient.Open(p.encode(), key)
		requireReason(t, recipient.DecryptionFailed, opened, err)
	}
}

func TestNothingIsSomething(t *testing.T) {
	t.Parallel()
	key := rsa2048(t)
	p, _ := forge(t, &key.PublicKey, contentKey, padded(""))
	opened, err := recipient.Open(p.encode(), key)
	require.NoError(t, err)
	assert.NotNil(t, opened)
	assert.Empty(t, opened)
}

// The documentation warns of this; the test keeps the warning true.
func TestContentIsNotAuthenticated(t *testing.T) {
	t.Parallel()
	key := rsa2048(t)
	p, _ := forge(t, &key.PublicKey, contentKey, padded("pay 100 to Alice"))
	p.cipher[len(p.cipher)-16+4] ^= '1' ^ '9' // the initialization vector
	opened, err := recipient.Open(p.encode(), key)
	require.NoError(t, err)
	assert.Equal(t, "pay 900 to Alice", string(opened))
}

func TestOpenLeavesItsInputAlone(t *testing.T) {
	t.Parallel()
	key := rsa2048(t)
	for _, name := range []string{"ok_kms_style", "ok_primitive0", "bad_pad_zero"} {
		envelope := syntheticEnvelope(t, name)
		before := slices.Clone(envelope)
		first, firstErr := recipient.Open(envelope, key)
		second, secondErr := recipient.Open(envelope, key)
		assert.Equal(t, before, envelope)
		assert.Equal(t, first, second)
		assert.Equal(t, firstErr, secondErr)
	}
}
