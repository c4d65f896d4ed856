package uki

import (
	"encoding/binary"
	"fmt"
)

const (
	signatureListHeader = 16 + 4 + 4 + 4 // type, list size, header size, signature size
	signatureOwner      = 16             // the GUID before the data of a signature
)

// certX509 is EFI_CERT_X509_GUID, a5c059a1-94e4-4aa7-87b5-ab155c2bf072.
var certX509 = [16]byte{0xa1, 0x59, 0xc0, 0xa5, 0xe4, 0x94, 0xa7, 0x4a, 0x87, 0xb5, 0xab, 0x15, 0x5c, 0x2b, 0xf0, 0x72}

// signatureData is an entry of a signature list, EFI_SIGNATURE_DATA.
type signatureData struct {
	kind [16]byte // SignatureType of its list
	raw  []byte   // owner and data, as PCR7 measures it
}

func (d signatureData) data() []byte { return d.raw[signatureOwner:] }

// parseSignatureLists reads the content of PK, KEK, db or dbx. The entries are
// parts of data.
func parseSignatureLists(where string, data []byte) ([]signatureData, error) {
	var all []signatureData
	for offset := 0; offset < len(data); {
		rest := data[offset:]
		malformed := func(format string, args ...any) error {
			return &Error{Reason: MalformedVariable, Where: where, Offset: int64(offset),
				Detail: fmt.Sprintf(format, args...) + "; expected signature lists (.esl), neither signed (.auth) nor with the attributes that efivarfs puts first"}
		}
		if len(rest) < signatureListHeader {
			return nil, malformed("found %d bytes, which is less than the header of a signature list", len(rest))
		}
		field := func(at int) uint64 { return uint64(binary.LittleEndian.Uint32(rest[at:])) }
		size, header, each := field(16), field(20), field(24)
		first := signatureListHeader + header
		if size > uint64(len(rest)) || size <= first || each <= signatureOwner || (size-first)%each != 0 {
			return nil, malformed("found a signature list of %d bytes in %d, with a header of %d and signatures of %d bytes", size, len(rest), header, each)
		}
		for at := first; at < size; at += each {
			all = append(all, signatureData{[16]byte(rest), rest[at : at+each]})
		}
		offset += int(size)
	}
	return all, nil
}
