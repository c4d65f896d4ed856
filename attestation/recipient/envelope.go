package recipient

import (
	"crypto/aes"
	"crypto/sha256"
)

const (
	oidData          oid = "\x2a\x86\x48\x86\xf7\x0d\x01\x07\x01" // 1.2.840.113549.1.7.1, RFC 5652
	oidEnvelopedData oid = "\x2a\x86\x48\x86\xf7\x0d\x01\x07\x03" // 1.2.840.113549.1.7.3, RFC 5652
	oidRSAESOAEP     oid = "\x2a\x86\x48\x86\xf7\x0d\x01\x01\x07" // 1.2.840.113549.1.1.7, RFC 4055
	oidMGF1          oid = "\x2a\x86\x48\x86\xf7\x0d\x01\x01\x08" // 1.2.840.113549.1.1.8, RFC 4055
	oidSHA256        oid = "\x60\x86\x48\x01\x65\x03\x04\x02\x01" // 2.16.840.1.101.3.4.2.1, RFC 4055
	oidAES256CBC     oid = "\x60\x86\x48\x01\x65\x03\x04\x01\x2a" // 2.16.840.1.101.3.4.1.42, RFC 3565
)

// syntaxVersion is the version of EnvelopedData and of KeyTransRecipientInfo
// when the recipient is named by a subjectKeyIdentifier (RFC 5652, sections
// 6.1 and 6.2.1).
const syntaxVersion = 2

// contentKeySize is the length of an AES-256 key.
const contentKeySize = 32

// envelope is what an EnvelopedData says.
type envelope struct {
	keyID        []byte // 32 bytes: SHA-256 of the recipient's SubjectPublicKeyInfo
	keyIDAt      int
	encryptedKey []byte
	encryptedAt  int
	iv           []byte // 16 bytes
	ciphertext   []byte // one block or more
}

// parseEnvelope reads ContentInfo { envelopedData, EnvelopedData } (RFC 5652,
// sections 3 and 6.1) with exactly one recipient and nothing after it. Every
// check in it is on public bytes.
func parseEnvelope(data []byte) (*envelope, error) {
	if len(data) > MaxEnvelopeSize {
		return nil, errorf(TooLarge, "found an envelope of %d bytes, expected at most %d", len(data), MaxEnvelopeSize)
	}
	r := newReader(data)
	e := &envelope{}
	r.constructed(tagSequence, "ContentInfo", func() {
		r.object(oidEnvelopedData, MalformedEnvelope, "ContentInfo.contentType")
		r.constructed(tagExplicit0, "ContentInfo.content", func() {
			r.constructed(tagSequence, "EnvelopedData", func() { e.readEnvelopedData(r) })
		})
	})
	if r.err == nil && r.pos != len(data) {
		r.fail(MalformedEnvelope, r.pos, "found %d bytes after the envelope, expected none", len(data)-r.pos)
	}
	if r.err != nil {
		return nil, r.err
	}
	return e, nil
}

func (e *envelope) readEnvelopedData(r *reader) {
	r.version("EnvelopedData.version")
	r.constructed(tagSet, "recipientInfos", func() {
		r.constructed(tagSequence, "KeyTransRecipientInfo", func() { e.readRecipient(r) })
		if r.more() {
			r.fail(MalformedEnvelope, r.pos, "recipientInfos: found a second recipient, expected one")
		}
	})
	r.constructed(tagSequence, "encryptedContentInfo", func() { e.readContent(r) })
}

func (e *envelope) readRecipient(r *reader) {
	r.version("KeyTransRecipientInfo.version")
	e.keyIDAt = r.pos
	e.keyID = r.primitive(tagImplicit0, "subjectKeyIdentifier")
	if r.err == nil && len(e.keyID) != sha256.Size {
		r.fail(MalformedEnvelope, e.keyIDAt, "subjectKeyIdentifier: found %d bytes, expected %d", len(e.keyID), sha256.Size)
	}
	r.constructed(tagSequence, "keyEncryptionAlgorithm", func() {
		r.object(oidRSAESOAEP, UnsupportedAlgorithm, "keyEncryptionAlgorithm")
		r.constructed(tagSequence, "RSAES-OAEP-params", func() { readOAEPParams(r) })
	})
	e.encryptedAt = r.pos
	e.encryptedKey = r.primitive(tagOctetString, "encryptedKey")
}

// readOAEPParams reads RSAES-OAEP-params (RFC 4055, section 4.1), which must
// name SHA-256 for both hashes and leave the label at its default, none.
func readOAEPParams(r *reader) {
	if !r.next(tagExplicit0) {
		r.fail(UnsupportedAlgorithm, r.pos, "hashFunc: absent, which means SHA-1, expected SHA-256")
	}
	r.constructed(tagExplicit0, "hashFunc", func() { readSHA256(r, "hashFunc") })
	if !r.next(tagExplicit1) {
		r.fail(UnsupportedAlgorithm, r.pos, "maskGenFunc: absent, which means MGF1 with SHA-1, expected MGF1 with SHA-256")
	}
	r.constructed(tagExplicit1, "maskGenFunc", func() {
		r.constructed(tagSequence, "maskGenFunc", func() {
			r.object(oidMGF1, UnsupportedAlgorithm, "maskGenFunc")
			readSHA256(r, "maskGenFunc hash")
		})
	})
	if r.next(tagExplicit2) {
		r.fail(UnsupportedAlgorithm, r.pos, "pSourceFunc: present, expected no label")
	}
}

// readSHA256 takes both encodings that RFC 4055, section 2.1, says are
// equivalent: parameters NULL and parameters absent.
func readSHA256(r *reader, what string) {
	r.constructed(tagSequence, what, func() {
		r.object(oidSHA256, UnsupportedAlgorithm, what)
		start := r.pos
		if r.more() && len(r.primitive(tagNull, what+" parameters")) > 0 {
			r.fail(MalformedEnvelope, start, "%s parameters: found a NULL with contents, expected none", what)
		}
	})
}

func (e *envelope) readContent(r *reader) {
	r.object(oidData, MalformedEnvelope, "contentType")
	r.constructed(tagSequence, "contentEncryptionAlgorithm", func() {
		r.object(oidAES256CBC, UnsupportedAlgorithm, "contentEncryptionAlgorithm")
		start := r.pos
		e.iv = r.primitive(tagOctetString, "initialization vector")
		if r.err == nil && len(e.iv) != aes.BlockSize {
			r.fail(MalformedEnvelope, start, "initialization vector: found %d bytes, expected %d", len(e.iv), aes.BlockSize)
		}
	})
	start := r.pos
	e.ciphertext = readOctets(r, "encryptedContent")
	if r.err == nil && (len(e.ciphertext) == 0 || len(e.ciphertext)%aes.BlockSize != 0) {
		r.fail(MalformedEnvelope, start, "encryptedContent: found %d bytes, expected a positive multiple of %d", len(e.ciphertext), aes.BlockSize)
	}
}

// readOctets reads [0] IMPLICIT OCTET STRING, whole or in pieces. Pieces of
// pieces, which BER would allow, are refused: no producer makes them.
func readOctets(r *reader, what string) []byte {
	if !r.next(tagExplicit0) {
		return r.primitive(tagImplicit0, what)
	}
	var octets []byte
	r.constructed(tagExplicit0, what, func() {
		for r.more() {
			octets = append(octets, r.primitive(tagOctetString, what+" piece")...)
		}
	})
	return octets
}

func (r *reader) version(what string) {
	start := r.pos
	contents := r.primitive(tagInteger, what)
	if r.err == nil && (len(contents) != 1 || contents[0] != syntaxVersion) {
		r.fail(MalformedEnvelope, start, "%s: found %#x, expected %d", what, contents, syntaxVersion)
	}
}
