//go:build go1.26

package recipient

import (
	"bytes"
	"crypto/hpke"
	"crypto/sha512"
	"encoding/binary"
	"slices"

	"github.com/nitroattest/nitroattest/attestation"
)

// hybrid is a cipher suite of which the key encapsulation joins ML-KEM with an
// elliptic curve, so that it holds as long as one of the two does
// (draft-ietf-hpke-pq).
type hybrid struct {
	kem     hpke.KEM
	name    string
	keySize int // of the encapsulation key
	encSize int // Nenc
}

func hybrids() []hybrid {
	return []hybrid{
		{hpke.MLKEM768X25519(), "MLKEM768-X25519", 1184 + 32, 1088 + 32},
		{hpke.MLKEM1024P384(), "MLKEM1024-P384", 1568 + 97, 1568 + 97},
	}
}

func hybridFor(id uint16) (hybrid, bool) {
	all := hybrids()
	i := slices.IndexFunc(all, func(h hybrid) bool { return h.kem.ID() == id })
	if i < 0 {
		return hybrid{}, false
	}
	return all[i], true
}

func (h hybrid) header() []byte { return suiteHeader(h.kem.ID(), hpke.HKDFSHA384().ID()) }

// commitmentSize is the length of what Commitment returns.
const commitmentSize = len(commitmentLabel) + 2 + sha512.Size384

// Commitment returns what an enclave puts into the user_data or the public_key
// of its document for a key that is too large to be there itself, 78 bytes:
//
//	"nitroattest/recipient/key v1"   28 bytes
//	kem_id                            2 bytes, big-endian     0x647a or 0x0051
//	SHA-384 of the key               48 bytes
//
// The key is that of hpke.MLKEM768X25519, 1216 bytes, or hpke.MLKEM1024P384, 1665
// bytes, and goes to the relying party beside the document. The field holds
// the commitment and nothing else. The error is an *[Error] with [InvalidKey].
func Commitment(key hpke.PublicKey) ([]byte, error) {
	if key == nil {
		return nil, errorf(InvalidKey, "found no key, expected one of MLKEM768-X25519 or MLKEM1024-P384")
	}
	h, ok := hybridFor(key.KEM().ID())
	if !ok {
		return nil, errorf(InvalidKey, "found a key of KEM %#04x, expected one of MLKEM768-X25519 or MLKEM1024-P384", key.KEM().ID())
	}
	return h.commitment(key.Bytes()), nil
}

func (h hybrid) commitment(key []byte) []byte {
	digest := sha512.Sum384(key)
	return append(binary.BigEndian.AppendUint16([]byte(commitmentLabel), h.kem.ID()), digest[:]...)
}

// SealHybrid encrypts plaintext, at most [MaxPlaintextSize] bytes and possibly
// none, to a post-quantum key that came beside a verified document, which has to
// commit to it: see [Commitment]. [OpenHybrid] reads the envelope.
//
// Results and errors are as for [Seal], and [NotCommitted] when neither
// user_data nor public_key is the commitment to this key. Where both fields have
// the form of a commitment they have to be equal.
func SealHybrid(res *attestation.Result, key, plaintext []byte) ([]byte, error) {
	return Sealer{}.SealHybrid(res, key, plaintext)
}

// SealHybrid does what the function [SealHybrid] does.
func (s Sealer) SealHybrid(res *attestation.Result, key, plaintext []byte) ([]byte, error) {
	if err := s.check(res, plaintext); err != nil {
		return nil, err
	}
	h, err := committed(res, key)
	if err != nil {
		return nil, err
	}
	public, err := h.kem.NewPublicKey(key)
	if err != nil {
		return nil, errorf(InvalidKey, "found a key of %d bytes that is none of %s", len(key), h.name)
	}
	sealed, err := hpke.Seal(public, hpke.HKDFSHA384(), hpke.AES256GCM(), []byte(hpkeInfo), plaintext)
	if err != nil {
		return nil, errorf(InvalidKey, "the key cannot be sealed to: %v", err)
	}
	return slices.Concat(h.header(), sealed), nil
}

// committed returns the suite that the document commits to together with the
// key. The suite comes from the document and not from the length of the key.
func committed(res *attestation.Result, key []byte) (hybrid, error) {
	var found *namedField
	for _, field := range committingFields(res) {
		if !bytes.HasPrefix(field.value, []byte(commitmentLabel)) {
			continue
		}
		if found != nil && !bytes.Equal(found.value, field.value) {
			return hybrid{}, errorf(NotCommitted, "found different commitments in %s and %s, expected one", found.name, field.name)
		}
		found = &field
	}
	if found == nil {
		return hybrid{}, errorf(NotCommitted, "found no commitment in user_data or public_key, expected one that begins with %q", commitmentLabel)
	}
	if len(found.value) != commitmentSize {
		return hybrid{}, errorf(NotCommitted, "%s: found a commitment of %d bytes, expected %d", found.name, len(found.value), commitmentSize)
	}
	id := binary.BigEndian.Uint16(found.value[len(commitmentLabel):])
	h, ok := hybridFor(id)
	if !ok {
		return hybrid{}, errorf(NotCommitted, "%s: found a commitment to a key of KEM %#04x, expected MLKEM768-X25519 or MLKEM1024-P384", found.name, id)
	}
	if len(key) != h.keySize {
		return hybrid{}, errorf(NotCommitted, "found a key of %d bytes beside the document, expected %d for %s", len(key), h.keySize, h.name)
	}
	if !bytes.Equal(found.value, h.commitment(key)) {
		return hybrid{}, errorf(NotCommitted, "%s: found the commitment to another key than the one beside the document", found.name)
	}
	return h, nil
}

// OpenHybrid decrypts an envelope that [SealHybrid] made with the private key,
// of hpke.MLKEM768X25519 or hpke.MLKEM1024P384, to whose public part the
// document committed. The plaintext is returned only without an error, and is
// empty but not nil when nothing was sealed. Errors are as for [OpenHPKE].
//
// That OpenHybrid succeeds says that nobody altered the envelope, not who made it.
func OpenHybrid(envelope []byte, key hpke.PrivateKey) ([]byte, error) {
	if key == nil {
		return nil, errorf(InvalidKey, "found no key, expected one of MLKEM768-X25519 or MLKEM1024-P384")
	}
	h, ok := hybridFor(key.KEM().ID())
	if !ok {
		return nil, errorf(InvalidKey, "found a key of KEM %#04x, expected one of MLKEM768-X25519 or MLKEM1024-P384", key.KEM().ID())
	}
	if err := checkSuite(envelope, h.header(), h.encSize, h.name); err != nil {
		return nil, err
	}
	return openHPKE(envelope, key, hpke.HKDFSHA384())
}

// openHPKE opens what follows the header of an envelope.
func openHPKE(envelope []byte, key hpke.PrivateKey, kdf hpke.KDF) ([]byte, error) {
	plaintext, err := hpke.Open(key, kdf, hpke.AES256GCM(), []byte(hpkeInfo), envelope[suiteHeaderSize:])
	if err != nil {
		return nil, decryptionFailed()
	}
	if plaintext == nil {
		plaintext = []byte{}
	}
	return plaintext, nil
}
