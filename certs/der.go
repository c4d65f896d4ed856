package certs

import "bytes"

// Package crypto/x509 reads some certificates in more than one encoding: it
// passes over what it does not look for, and takes forms of ASN.1 that DER does
// not have. What is accepted here has one encoding. The freedoms that the parser
// leaves, and what becomes of them:
//
// Outside of what is signed, where anybody could use them:
//
//   - elements after the signature, within the outer SEQUENCE: refused
//   - unused bits in the BIT STRING of the signature: refused
//   - another AlgorithmIdentifier than the signed one, one with parameters for
//     example: refused, by the parser itself
//   - the other signature (r, n-s) of the same key and bytes: accepted. It says
//     the same, and nothing is identified by the bytes of a certificate; a
//     chain that holds one certificate in both forms is refused ([Repeated]).
//
// Within what is signed, where the issuer alone could use them:
//
//   - unique identifiers, or anything else, before and after the extensions of
//     a TBSCertificate: refused
//   - a validity, an attribute or an extension with surplus elements in it:
//     refused
//   - UTCTime without seconds or with an offset, GeneralizedTime for years that
//     UTCTime can express (RFC 5280, section 4.1.2.5): refused
//   - several attributes in a set, which DER would want sorted, attributes that
//     are no text, and empty sets: refused
//   - critical FALSE written out: refused
//   - basic constraints and key usage with trailing bits or elements: refused,
//     see checkExtensions
//   - the contents of other extensions that are not critical: accepted. None is
//     evaluated but the URLs of the CRL distribution points, which say what
//     lists are wanted and are compared as text.
//   - the kind of text of an attribute, UTF8String, PrintableString or
//     IA5String: accepted. Names are compared by their bytes.
//   - serial numbers of any length: accepted. They are compared as numbers.

// Tags of DER (X.690, section 8.1.2).
const (
	tagBoolean         = 0x01
	tagInteger         = 0x02
	tagBitString       = 0x03
	tagOctetString     = 0x04
	tagOID             = 0x06
	tagUTF8String      = 0x0c
	tagPrintableString = 0x13
	tagIA5String       = 0x16
	tagUTCTime         = 0x17
	tagGeneralizedTime = 0x18
	tagSequence        = 0x30
	tagSet             = 0x31
	tagVersion         = 0xa0 // [0], constructed
	tagExtensions      = 0xa3 // [3], constructed
)

// elements is a row of DER elements. What cannot be read makes it broken for
// good, so that a reader looks once, at the end.
type elements struct {
	rest   []byte
	broken bool
}

// next takes the first element, which has to have the tag, and returns its
// contents. Lengths are definite and as short as can be; 64 KiB is more than
// any certificate has.
func (e *elements) next(tag byte) []byte {
	contents, rest, ok := split(e.rest, tag)
	if e.broken = e.broken || !ok; e.broken {
		return nil
	}
	e.rest = rest
	return contents
}

// has reports whether an element with the tag comes next.
func (e *elements) has(tag byte) bool { return !e.broken && len(e.rest) > 0 && e.rest[0] == tag }

// done reports whether everything could be read and nothing is left over.
func (e *elements) done() bool { return !e.broken && len(e.rest) == 0 }

func split(der []byte, tag byte) (contents, rest []byte, ok bool) {
	if len(der) < 2 || der[0] != tag {
		return nil, nil, false
	}
	size, rest := int(der[1]), der[2:]
	switch {
	case size < 0x80:
	case size == 0x81 && len(rest) > 0 && rest[0] >= 0x80:
		size, rest = int(rest[0]), rest[1:]
	case size == 0x82 && len(rest) > 1 && rest[0] != 0:
		size, rest = int(rest[0])<<8|int(rest[1]), rest[2:]
	default:
		return nil, nil, false
	}
	if size > len(rest) {
		return nil, nil, false
	}
	return rest[:size], rest[size:], true
}

// checkStructure looks for what the parser leaves open (see above) in a
// certificate that it has read, and returns what it found, or nothing.
func checkStructure(der []byte) string {
	outer := elements{rest: der}
	cert := elements{rest: outer.next(tagSequence)}
	tbs := elements{rest: cert.next(tagSequence)}
	cert.next(tagSequence) // the algorithm, see checkProfile
	cert.next(tagBitString)
	if !outer.done() || !cert.done() {
		return "found bytes beside the signed part, the algorithm and the signature"
	}

	tbs.next(tagVersion)  // the parser reads nothing but 3 in it
	tbs.next(tagInteger)  // the serial number
	tbs.next(tagSequence) // the algorithm
	issuer := tbs.next(tagSequence)
	validity := tbs.next(tagSequence)
	subject := tbs.next(tagSequence)
	tbs.next(tagSequence) // the key, see checkProfile
	var extensions []byte
	if tbs.has(tagExtensions) {
		extensions = tbs.next(tagExtensions)
	}
	switch {
	case !tbs.done():
		return "found elements in the signed part that version 3 with extensions does not have"
	case !isName(issuer):
		return "issuer: found an encoding that is not DER, or other than one text in each set"
	case !isName(subject):
		return "subject: found an encoding that is not DER, or other than one text in each set"
	case !isValidity(validity):
		return "validity: found an encoding that is not DER"
	case extensions != nil && !areExtensions(extensions):
		return "extensions: found an encoding that is not DER"
	}
	return ""
}

func isName(der []byte) bool {
	sets := elements{rest: der}
	for !sets.done() {
		set := elements{rest: sets.next(tagSet)}
		attribute := elements{rest: set.next(tagSequence)}
		attribute.next(tagOID)
		switch {
		case attribute.has(tagUTF8String), attribute.has(tagPrintableString), attribute.has(tagIA5String):
			attribute.next(attribute.rest[0])
		default:
			return false
		}
		if sets.broken || !set.done() || !attribute.done() {
			return false
		}
	}
	return true
}

func isValidity(der []byte) bool {
	times := elements{rest: der}
	for range 2 {
		if times.has(tagUTCTime) {
			if !isTime(times.next(tagUTCTime), len("060102150405Z")) {
				return false
			}
			continue
		}
		text := times.next(tagGeneralizedTime)
		if !isTime(text, len("20060102150405Z")) || string(text[:4]) >= "1950" && string(text[:4]) < "2050" {
			return false
		}
	}
	return times.done()
}

// isTime reports whether text is digits down to the second, and Z.
func isTime(text []byte, size int) bool {
	if len(text) != size || text[size-1] != 'Z' {
		return false
	}
	for _, b := range text[:size-1] {
		if b < '0' || b > '9' {
			return false
		}
	}
	return true
}

func areExtensions(der []byte) bool {
	explicit := elements{rest: der}
	list := elements{rest: explicit.next(tagSequence)}
	if !explicit.done() || len(list.rest) == 0 {
		return false
	}
	for !list.done() {
		extension := elements{rest: list.next(tagSequence)}
		extension.next(tagOID)
		if extension.has(tagBoolean) && !bytes.Equal(extension.next(tagBoolean), []byte{0xff}) {
			return false
		}
		extension.next(tagOctetString)
		if list.broken || !extension.done() {
			return false
		}
	}
	return true
}
