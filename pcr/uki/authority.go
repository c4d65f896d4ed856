package uki

import (
	"bytes"
	"encoding/asn1"
	"encoding/binary"
	"fmt"
	"slices"
)

// MaxCertificates bounds the certificate table of an image in which the
// certificate of db is looked for; those of signed images have some kilobytes.
const MaxCertificates = 1 << 20

// authority returns the entry of db that the firmware verifies the image with:
// the given one, or the one that comes with the image's signatures.
func (p *portableExecutable) authority(given []byte, db []signatureData) ([]byte, error) {
	if given != nil {
		i := slices.IndexFunc(db, func(d signatureData) bool { return bytes.Equal(d.data(), given) })
		if i < 0 {
			return nil, &Error{Reason: AuthorityNotInDB, Where: "variable db", Detail: "no entry is the authority that is given"}
		}
		return db[i].raw, nil
	}
	certificates, err := p.signatureCertificates()
	if err != nil {
		return nil, err
	}
	var found []signatureData
	for _, d := range db {
		inSignature := func(c []byte) bool { return bytes.Equal(c, d.data()) }
		inFound := func(f signatureData) bool { return bytes.Equal(f.data(), d.data()) }
		// Of equal entries the firmware comes upon the first.
		if d.kind == certX509 && slices.ContainsFunc(certificates, inSignature) && !slices.ContainsFunc(found, inFound) {
			found = append(found, d)
		}
	}
	if len(found) != 1 {
		return nil, p.errorf(AuthorityUnknown, p.certificates.offset, "found %d entries of db among the %d certificates of its signatures, expected one; say which entry of db the firmware verifies it with", len(found), len(certificates))
	}
	return found[0].raw, nil
}

// Fields of WIN_CERTIFICATE (Microsoft, "PE Format", "The Attribute Certificate
// Table").
const (
	winCertificateHeader = 8
	certificateAlignment = 8
	typePKCSSignedData   = 2
)

// signatureCertificates returns the certificates, in DER, that come with the
// signatures of the image.
func (p *portableExecutable) signatureCertificates() ([][]byte, error) {
	if p.certificates.size > MaxCertificates {
		return nil, p.errorf(CertificateTable, p.certificates.offset, "found a certificate table of %d bytes, expected at most %d", p.certificates.size, MaxCertificates)
	}
	table := make([]byte, p.certificates.size)
	if err := p.readFull(table, p.certificates.offset); err != nil {
		return nil, err
	}
	var all [][]byte
	for offset := 0; offset < len(table); {
		rest, at := table[offset:], p.certificates.offset+int64(offset)
		if len(rest) < winCertificateHeader {
			return nil, p.errorf(MalformedSignature, at, "found %d bytes at the end of the certificate table, expected an entry of at least %d", len(rest), winCertificateHeader)
		}
		size := int64(binary.LittleEndian.Uint32(rest))
		if size < winCertificateHeader || size > int64(len(rest)) {
			return nil, p.errorf(MalformedSignature, at, "found an entry of %d bytes in the certificate table, expected %d to %d", size, winCertificateHeader, len(rest))
		}
		if binary.LittleEndian.Uint16(rest[6:]) == typePKCSSignedData {
			certificates, err := signedDataCertificates(rest[winCertificateHeader:size])
			if err != nil {
				e := p.errorf(MalformedSignature, at+winCertificateHeader, "found a signature that is not PKCS #7 SignedData")
				e.Err = err
				return nil, e
			}
			all = append(all, certificates...)
		}
		offset += int(min((size+certificateAlignment-1)&^(certificateAlignment-1), int64(len(rest))))
	}
	return all, nil
}

var oidSignedData = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 7, 2}

// signedDataCertificates returns the certificates of a PKCS #7 SignedData (RFC
// 2315, section 9.1), after which zeros may follow up to the alignment.
func signedDataCertificates(der []byte) ([][]byte, error) {
	var info struct {
		Type    asn1.ObjectIdentifier
		Content asn1.RawValue
	}
	padding, err := asn1.Unmarshal(der, &info)
	if err != nil {
		return nil, err
	}
	if !info.Type.Equal(oidSignedData) {
		return nil, fmt.Errorf("found content of type %v, expected %v", info.Type, oidSignedData)
	}
	if len(bytes.Trim(padding, "\x00")) > 0 {
		return nil, fmt.Errorf("found %d bytes after it, expected zeros", len(padding))
	}
	var signed struct {
		Version          int
		DigestAlgorithms asn1.RawValue
		ContentInfo      asn1.RawValue
		Certificates     asn1.RawValue `asn1:"optional,tag:0"`
	}
	if _, err := asn1.Unmarshal(info.Content.Bytes, &signed); err != nil {
		return nil, err
	}
	var all [][]byte
	for rest := signed.Certificates.Bytes; len(rest) > 0; {
		var certificate asn1.RawValue
		if rest, err = asn1.Unmarshal(rest, &certificate); err != nil {
			return nil, err
		}
		all = append(all, certificate.FullBytes)
	}
	return all, nil
}
