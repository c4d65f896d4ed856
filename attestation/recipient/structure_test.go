package recipient_test

import (
	"bytes"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/nitroattest/nitroattest/attestation/recipient"
)

const greeting = "hello nitro enclave"

// Other producers than AWS KMS may choose any of BER's forms of length.
func TestOpenAcceptsOtherForms(t *testing.T) {
	t.Parallel()
	key := rsa2048(t)
	p, r := forge(t, &key.PublicKey, contentKey, padded(greeting))
	ciphertext := p.content[4 : len(p.content)-2]
	require.Len(t, ciphertext, 32)
	longForm := func(tag byte, body []byte) []byte {
		return slices.Concat([]byte{tag, 0x84, 0, 0, byte(len(body) >> 8), byte(len(body))}, body)
	}

	cases := map[string]func(*parts, *recipientParts){
		"as AWS KMS": func(*parts, *recipientParts) {},
		"hash parameters absent": func(_ *parts, r *recipientParts) {
			r.algorithm = oaep(tlv(0x30, sha256Alg), tlv(0x30, sha256Alg))
		},
		"content whole":             func(p *parts, _ *recipientParts) { p.content = tlv(0x80, ciphertext) },
		"content in a definite [0]": func(p *parts, _ *recipientParts) { p.content = tlv(0xa0, tlv(0x04, ciphertext)) },
		"content in pieces of 31 and 1": func(p *parts, _ *recipientParts) {
			p.content = open(0xa0, tlv(0x04, ciphertext[:31]), tlv(0x04, ciphertext[31:]))
		},
		"an empty piece": func(p *parts, _ *recipientParts) {
			p.content = open(0xa0, tlv(0x04), tlv(0x04, ciphertext), tlv(0x04))
		},
		"lengths that are longer than needed": func(p *parts, r *recipientParts) {
			p.content = longForm(0x80, ciphertext)
			r.keyID = longForm(0x80, r.keyID[2:])
		},
		"indefinite inner levels": func(p *parts, r *recipientParts) {
			p.cipher = open(0x30, p.cipher[2:])
			r.algorithm = open(0x30, r.algorithm[2:])
		},
	}
	for name, change := range cases {
		t.Run(name, func(t *testing.T) {
			p, r := p, r
			change(&p, &r)
			p.recipients = r.encode()
			opened, err := recipient.Open(p.encode(), key)
			require.NoError(t, err)
			assert.Equal(t, greeting, string(opened))
		})
	}
}

// Each case differs from a good envelope in one part.
func TestOpenRefusesOtherStructures(t *testing.T) {
	t.Parallel()
	key := rsa2048(t)
	good, goodRecipient := forge(t, &key.PublicKey, contentKey, padded(greeting))
	encrypted := goodRecipient.encryptedKey[4:]
	iv := bytes.Repeat([]byte{7}, 16)
	recipientSet := func(change func(*recipientParts)) func(*parts) {
		return func(p *parts) {
			r := goodRecipient
			change(&r)
			p.recipients = r.encode()
		}
	}
	algorithm := func(algorithm []byte) func(*parts) {
		return recipientSet(func(r *recipientParts) { r.algorithm = algorithm })
	}
	content := func(content ...byte) func(*parts) {
		return func(p *parts) { p.content = content }
	}

	const malformed, unsupported, form = recipient.MalformedEnvelope, recipient.UnsupportedAlgorithm, recipient.UnsupportedForm
	cases := []struct {
		name   string
		change func(*parts)
		reason recipient.Reason
		detail string
	}{
		{"signed data", func(p *parts) { p.contentType = pkcs7Signed }, form, "ContentInfo.contentType: found 1.2.840.113549.1.7.2, expected 1.2.840.113549.1.7.3"},
		{"no object identifier", func(p *parts) { p.contentType = oid(0x80) }, form, "ContentInfo.contentType: found 0x80"},
		{"version 0", func(p *parts) { p.version = []byte{2, 1, 0} }, malformed, "EnvelopedData.version: found 0, expected 2 for its recipient"},
		{"version 3", func(p *parts) { p.version = []byte{2, 1, 3} }, malformed, "EnvelopedData.version: found 0x03, expected 0 or 2"},
		{"version in two bytes", func(p *parts) { p.version = []byte{2, 2, 0, 2} }, malformed, "EnvelopedData.version: found 0x0002"},
		{"originatorInfo", func(p *parts) { p.before = tlv(0xa0) }, form, "originatorInfo: present"},
		{"unprotectedAttrs", func(p *parts) { p.after = tlv(0xa1) }, form, "unprotectedAttrs: present"},
		{"end-of-contents with contents", func(p *parts) { p.after = []byte{0, 1, 0} }, malformed, "end-of-contents: found 1 bytes"},
		{"no recipient", func(p *parts) { p.recipients = nil }, malformed, "KeyTransRecipientInfo: found the end"},
		{"a key agreement recipient", func(p *parts) { p.recipients = tlv(0xa1, p.recipients[4:]) }, form, "recipientInfos: found a recipient of another kind, with tag 0xa1"},
		{"inner type signed data", func(p *parts) { p.innerType = pkcs7Signed }, form, "contentType: found 1.2.840.113549.1.7.2"},

		{"recipient version 0", recipientSet(func(r *recipientParts) { r.version = []byte{2, 1, 0} }), malformed, "KeyTransRecipientInfo.version: found 0, expected 2"},
		{"issuer and serial number with version 2", recipientSet(func(r *recipientParts) { r.keyID = tlv(0x30, tlv(0x30), tlv(2, []byte{1})) }), malformed, "KeyTransRecipientInfo.version: found 2, expected 0"},
		{"issuer and serial number, version 2 outside", recipientSet(func(r *recipientParts) {
			r.version, r.keyID = []byte{2, 1, 0}, tlv(0x30, tlv(0x30), tlv(2, []byte{1}))
		}), malformed, "EnvelopedData.version: found 2, expected 0"},
		{"no issuer", recipientSet(func(r *recipientParts) { r.keyID = tlv(0x30) }), malformed, "issuer: found the end"},
		{"an issuer of indefinite length", recipientSet(func(r *recipientParts) { r.keyID = tlv(0x30, open(0x30)) }), form, "issuer: found an indefinite length"},
		{"no serial number", recipientSet(func(r *recipientParts) { r.keyID = tlv(0x30, tlv(0x30)) }), malformed, "serialNumber: found the end"},
		{"an empty serial number", recipientSet(func(r *recipientParts) { r.keyID = tlv(0x30, tlv(0x30), tlv(2)) }), malformed, "serialNumber: found 0 bytes"},
		{"more after the serial number", recipientSet(func(r *recipientParts) { r.keyID = tlv(0x30, tlv(0x30), tlv(2, []byte{1}), null) }), malformed, "issuerAndSerialNumber: found 2 more bytes"},
		{"no identifier", recipientSet(func(r *recipientParts) { r.keyID = tlv(0x80) }), malformed, "subjectKeyIdentifier: found 0 bytes"},
		{"identifier of 20 bytes", recipientSet(func(r *recipientParts) { r.keyID = tlv(0x80, r.keyID[2:22]) }), form, "subjectKeyIdentifier: found 20 bytes"},
		{"encrypted key of 255 bytes", recipientSet(func(r *recipientParts) { r.encryptedKey = tlv(4, encrypted[1:]) }), malformed, "encryptedKey: found 255 bytes, expected the 256"},
		{"encrypted key of 257 bytes", recipientSet(func(r *recipientParts) { r.encryptedKey = tlv(4, []byte{0}, encrypted) }), malformed, "encryptedKey: found 257 bytes"},
		{"more after the encrypted key", recipientSet(func(r *recipientParts) { r.encryptedKey = append(tlv(4, encrypted), null...) }), malformed, "KeyTransRecipientInfo: found 2 more bytes"},

		{"RSAES-PKCS1-v1_5", algorithm(tlv(0x30, rsaEncryption, null)), unsupported, "keyEncryptionAlgorithm: found 1.2.840.113549.1.1.1"},
		{"OAEP without parameters", algorithm(tlv(0x30, rsaesOAEP)), malformed, "RSAES-OAEP-params: found the end"},
		{"OAEP with SHA-384", algorithm(oaep(tlv(0x30, sha384Alg, null), sha256WithNull())), unsupported, "hashFunc: found 2.16.840.1.101.3.4.2.2"},
		{"OAEP with MGF1 of SHA-1", algorithm(oaep(sha256WithNull(), tlv(0x30, sha1, null))), unsupported, "maskGenFunc hash: found 1.3.14.3.2.26"},
		{"OAEP with MGF1 by default", algorithm(tlv(0x30, rsaesOAEP, tlv(0x30, tlv(0xa0, sha256WithNull())))), unsupported, "maskGenFunc: absent"},
		{"OAEP with another mask", algorithm(tlv(0x30, rsaesOAEP, tlv(0x30, tlv(0xa0, sha256WithNull()), tlv(0xa1, tlv(0x30, sha1, sha256WithNull()))))), unsupported, "maskGenFunc: found 1.3.14.3.2.26"},
		{"OAEP with a label", algorithm(oaep(sha256WithNull(), sha256WithNull(), tlv(0xa2, tlv(0x30, pSpecified, tlv(4, []byte("label")))))), unsupported, "pSourceFunc: present"},
		{"OAEP with more", algorithm(oaep(sha256WithNull(), sha256WithNull(), null)), malformed, "RSAES-OAEP-params: found 2 more bytes"},
		{"a hash whose NULL has contents", algorithm(oaep(tlv(0x30, sha256Alg, []byte{5, 1, 0}), sha256WithNull())), malformed, "hashFunc parameters: found a NULL with contents"},
		{"a hash with other parameters", algorithm(oaep(tlv(0x30, sha256Alg, tlv(4)), sha256WithNull())), malformed, "hashFunc parameters: found tag 0x04"},

		{"AES-128-CBC", func(p *parts) { p.cipher = tlv(0x30, aes128CBC, tlv(4, iv)) }, unsupported, "contentEncryptionAlgorithm: found 2.16.840.1.101.3.4.1.2,"},
		{"AES-256-GCM", func(p *parts) { p.cipher = tlv(0x30, aes256GCM, tlv(4, iv)) }, unsupported, "contentEncryptionAlgorithm: found 2.16.840.1.101.3.4.1.46"},
		{"initialization vector of 15 bytes", func(p *parts) { p.cipher = tlv(0x30, aes256CBC, tlv(4, iv[1:])) }, malformed, "initialization vector: found 15 bytes, expected 16"},
		{"initialization vector of 17 bytes", func(p *parts) { p.cipher = tlv(0x30, aes256CBC, tlv(4, iv, []byte{0})) }, unsupported, "initialization vector: found 17 bytes, expected 16"},
		{"no initialization vector", func(p *parts) { p.cipher = tlv(0x30, aes256CBC) }, malformed, "initialization vector: found the end"},

		{"content in pieces of pieces", content(open(0xa0, open(0x24, tlv(4, iv)))...), malformed, "encryptedContent piece: found tag 0x24"},
		{"content of no bytes", content(0x80, 0), malformed, "encryptedContent: found 0 bytes"},
		{"content under another tag", content(tlv(0x81, iv)...), malformed, "encryptedContent: found tag 0x81"},
		{"primitive content of indefinite length", content(0x80, 0x80, 0, 0), malformed, "encryptedContent: found an indefinite length"},
		{"a length of 5 octets", content(0x80, 0x85, 0, 0, 0, 0, 16), malformed, "found a length of 5 octets, expected at most 4"},
		{"a length of 127 octets", content(0x80, 0xff), malformed, "found a length of 127 octets"},
		{"a length of 4 GiB", content(0x80, 0x84, 0xff, 0xff, 0xff, 0xff), malformed, "found a length of 4294967295, expected at most the 8 bytes"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			p := good
			c.change(&p)
			opened, err := recipient.Open(p.encode(), key)
			typed := requireReason(t, c.reason, opened, err)
			assert.Contains(t, typed.Detail, c.detail)
			assert.GreaterOrEqual(t, typed.Offset, 0)
			assert.Less(t, typed.Offset, len(p.encode()))
		})
	}
}

func TestOpenRefusesEveryTruncation(t *testing.T) {
	t.Parallel()
	key := rsa2048(t)
	for _, name := range []string{"ok_kms_style", "ok_primitive0", "ok_full_der"} {
		envelope := syntheticEnvelope(t, name)
		for n := range envelope {
			opened, err := recipient.Open(envelope[:n], key)
			requireReason(t, recipient.MalformedEnvelope, opened, err)
		}
	}
}

// structural returns the offsets of the bytes of envelope that are neither the
// encrypted key, the initialization vector nor ciphertext.
func structural(t *testing.T, envelope []byte) []int {
	t.Helper()
	_, encryptedKey, iv, ciphertext, err := recipient.Fields(envelope)
	require.NoError(t, err)
	opaque := make([]bool, len(envelope))
	for _, field := range [][]byte{encryptedKey, iv, ciphertext} {
		at := bytes.Index(envelope, field)
		require.Positive(t, at)
		for i := range field {
			opaque[at+i] = true
		}
	}
	var offsets []int
	for i := range envelope {
		if !opaque[i] {
			offsets = append(offsets, i)
		}
	}
	return offsets
}

// No byte of the structure is without meaning: whichever bit is flipped, the
// envelope is refused, and before the private key is used.
func TestOpenRefusesEveryFlippedStructuralBit(t *testing.T) {
	t.Parallel()
	key := rsa2048(t)
	for _, name := range []string{"ok_kms_style", "ok_primitive0", "ok_full_der"} {
		envelope := syntheticEnvelope(t, name)
		for _, offset := range structural(t, envelope) {
			for bit := range 8 {
				envelope[offset] ^= 1 << bit
				opened, err := recipient.Open(envelope, key)
				assert.Errorf(t, err, "%s: byte %d, bit %d", name, offset, bit)
				assert.Nil(t, opened)
				assert.NotErrorIsf(t, err, recipient.DecryptionFailed, "%s: byte %d, bit %d", name, offset, bit)
				envelope[offset] ^= 1 << bit
			}
		}
	}
}

func TestOpenBoundsTheEnvelope(t *testing.T) {
	t.Parallel()
	key := rsa2048(t)
	envelope := func(pieces int) []byte {
		p, _ := forge(t, &key.PublicKey, contentKey, padded(greeting))
		ciphertext := p.content[2 : len(p.content)-2]
		p.content = open(0xa0, bytes.Repeat([]byte{4, 0}, pieces), ciphertext)
		return p.encode()
	}
	most := (recipient.MaxEnvelopeSize - len(envelope(0))) / 2
	opened, err := recipient.Open(envelope(most), key)
	require.NoError(t, err)
	assert.Equal(t, greeting, string(opened))

	opened, err = recipient.Open(envelope(most+1), key)
	requireReason(t, recipient.TooLarge, opened, err)
}

// issuer-serial.der is what LocalStack's form of AWS KMS looks like: the recipient
// is named by a certificate that nobody has.
func TestOpenTakesIssuerAndSerialNumber(t *testing.T) {
	t.Parallel()
	key := readKey(t, "synthetic/issuer_serial.key.pem")
	envelope := readFile(t, "synthetic/issuer_serial.der")
	opened, err := recipient.Open(envelope, key)
	require.NoError(t, err)
	assert.NotEmpty(t, opened)
	opened, err = recipient.Open(envelope, rsa2048(t))
	requireReason(t, recipient.DecryptionFailed, opened, err)

	for _, offset := range structural(t, envelope) {
		if at := bytes.Index(envelope, []byte("recipient")); offset >= at-20 && offset < at+12 {
			continue // the issuer and the serial number say nothing to us
		}
		envelope[offset] ^= 1
		opened, err := recipient.Open(envelope, key)
		assert.Errorf(t, err, "byte %d", offset)
		assert.Nil(t, opened)
		assert.NotErrorIsf(t, err, recipient.DecryptionFailed, "byte %d", offset)
		envelope[offset] ^= 1
	}
}
