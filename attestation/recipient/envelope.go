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

// Versions of EnvelopedData and of its one KeyTransRecipientInfo, by how the
// recipient is named (RFC 5652, sections 6.1 and 6.2.1).
const (
	versionByKeyID  = 2 // subjectKeyIdentifier
	versionByIssuer = 0 // issuerAndSerialNumber
)

// contentKeySize is the length of an AES-256 key.
const contentKeySize = 32

// envelope is what an EnvelopedData says.
type envelope struct {
	// keyID is the SHA-256 of the recipient's SubjectPublicKeyInfo, 32 bytes. It is
	// nil when the recipient is named by the issuer and serial number of a
	// certificate: those are not compared, for a key does not say them.
	keyID        []byte
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
		r.object(oidEnvelopedData, UnsupportedForm, "ContentInfo.contentType")
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
	version := r.version("EnvelopedData.version")
	if r.next(tagExplicit0) {
		r.fail(UnsupportedForm, r.pos, "originatorInfo: present, expected none")
	}
	start := r.pos
	r.constructed(tagSet, "recipientInfos", func() {
		if r.more() && r.data[r.pos]&^0x0f == tagExplicit0 {
			r.fail(UnsupportedForm, r.pos, "recipientInfos: found a recipient of another kind, with tag %#02x, expected a KeyTransRecipientInfo", r.data[r.pos])
		}
		r.constructed(tagSequence, "KeyTransRecipientInfo", func() { e.readRecipient(r) })
		if r.more() {
			r.fail(UnsupportedForm, r.pos, "recipientInfos: found a second recipient, expected one")
		}
	})
	want := byte(versionByKeyID)
	if e.keyID == nil {
		want = versionByIssuer
	}
	if r.err == nil && version != want {
		r.fail(MalformedEnvelope, start, "EnvelopedData.version: found %d, expected %d for its recipient", version, want)
	}
	r.constructed(tagSequence, "encryptedContentInfo", func() { e.readContent(r) })
	if r.next(tagExplicit1) {
		r.fail(UnsupportedForm, r.pos, "unprotectedAttrs: present, expected none")
	}
}

func (e *envelope) readRecipient(r *reader) {
	start := r.pos
	version := r.version("KeyTransRecipientInfo.version")
	e.keyIDAt = r.pos
	want := byte(versionByKeyID)
	if r.next(tagSequence) {
		want = versionByIssuer
		readIssuerAndSerialNumber(r)
	} else {
		e.readKeyID(r)
	}
	if r.err == nil && version != want {
		r.fail(MalformedEnvelope, start, "KeyTransRecipientInfo.version: found %d, expected %d for the way in which the recipient is named", version, want)
	}
	r.constructed(tagSequence, "keyEncryptionAlgorithm", func() {
		r.object(oidRSAESOAEP, UnsupportedAlgorithm, "keyEncryptionAlgorithm")
		r.constructed(tagSequence, "RSAES-OAEP-params", func() { readOAEPParams(r) })
	})
	e.encryptedAt = r.pos
	e.encryptedKey = r.primitive(tagOctetString, "encryptedKey")
}

func (e *envelope) readKeyID(r *reader) {
	id := r.primitive(tagImplicit0, "subjectKeyIdentifier")
	switch {
	case r.err != nil:
	case len(id) == 0:
		r.fail(MalformedEnvelope, e.keyIDAt, "subjectKeyIdentifier: found 0 bytes, expected %d", sha256.Size)
	case len(id) != sha256.Size:
		r.fail(UnsupportedForm, e.keyIDAt, "subjectKeyIdentifier: found %d bytes, as of a certificate, expected the %d of the SHA-256 of the SubjectPublicKeyInfo", len(id), sha256.Size)
	default:
		e.keyID = id
	}
}

// readIssuerAndSerialNumber reads the name of a certificate (RFC 5652, section
// 10.2.4) as openssl writes by default and LocalStack for AWS KMS: whatever it
// says, for there is no certificate. An envelope for another key fails to decrypt.
func readIssuerAndSerialNumber(r *reader) {
	r.constructed(tagSequence, "issuerAndSerialNumber", func() {
		length, indefinite := r.header(tagSequence, "issuer")
		if indefinite {
			r.fail(UnsupportedForm, r.pos, "issuer: found an indefinite length, expected a definite one")
		}
		if r.err == nil {
			r.pos += length
		}
		start := r.pos
		if serial := r.primitive(tagInteger, "serialNumber"); r.err == nil && len(serial) == 0 {
			r.fail(MalformedEnvelope, start, "serialNumber: found 0 bytes, expected at least one")
		}
	})
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
	r.object(oidData, UnsupportedForm, "contentType")
	r.constructed(tagSequence, "contentEncryptionAlgorithm", func() {
		r.object(oidAES256CBC, UnsupportedAlgorithm, "contentEncryptionAlgorithm")
		start := r.pos
		e.iv = r.primitive(tagOctetString, "initialization vector")
		if r.err == nil && len(e.iv) != aes.BlockSize {
			reason := MalformedEnvelope
			if len(e.iv) > aes.BlockSize {
				reason = UnsupportedAlgorithm
			}
			r.fail(reason, start, "initialization vector: found %d bytes, expected %d", len(e.iv), aes.BlockSize)
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

// version reads a CMSVersion of one byte, which is all that RFC 5652 has.
func (r *reader) version(what string) byte {
	start := r.pos
	contents := r.primitive(tagInteger, what)
	if r.err != nil {
		return 0
	}
	if len(contents) != 1 || contents[0] != versionByKeyID && contents[0] != versionByIssuer {
		r.fail(MalformedEnvelope, start, "%s: found %#x, expected %d or %d", what, contents, versionByIssuer, versionByKeyID)
		return 0
	}
	return contents[0]
}
