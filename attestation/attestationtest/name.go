package attestationtest

import "encoding/asn1"

var (
	oidCommonName         = asn1.ObjectIdentifier{2, 5, 4, 3}
	oidCountry            = asn1.ObjectIdentifier{2, 5, 4, 6}
	oidLocality           = asn1.ObjectIdentifier{2, 5, 4, 7}
	oidState              = asn1.ObjectIdentifier{2, 5, 4, 8}
	oidOrganization       = asn1.ObjectIdentifier{2, 5, 4, 10}
	oidOrganizationalUnit = asn1.ObjectIdentifier{2, 5, 4, 11}
)

// attribute is one relative distinguished name with its ASN.1 string type.
type attribute struct {
	id   asn1.ObjectIdentifier
	tag  byte
	text string
}

func utf8(id asn1.ObjectIdentifier, text string) attribute {
	return attribute{id, tagUTF8String, text}
}

// country is the one attribute of AWS's names that is not a UTF8String.
var country = attribute{oidCountry, tagPrintableString, "US"}

// derName writes a Name of one attribute per relative distinguished name.
func derName(attributes ...attribute) []byte {
	var rdns []byte
	for _, a := range attributes {
		pair := tlv(tagSequence, derOID(a.id), tlv(a.tag, []byte(a.text)))
		rdns = append(rdns, tlv(tagSet, pair)...)
	}
	return tlv(tagSequence, rdns)
}

// rootName is the order in which the root and regional certificates name
// themselves.
func rootName(commonName string) []byte {
	return derName(country, utf8(oidOrganization, "Amazon"), utf8(oidOrganizationalUnit, "AWS"),
		utf8(oidCommonName, commonName))
}

// zonalName differs from every other name in its order and in the short name
// of the state.
func zonalName(commonName string) []byte {
	return derName(utf8(oidCommonName, commonName), utf8(oidOrganizationalUnit, "AWS"),
		utf8(oidOrganization, "Amazon"), country, utf8(oidState, "WA"), utf8(oidLocality, "Seattle"))
}

// instanceName is the order of instance and leaf certificates.
func instanceName(commonName string) []byte {
	return derName(country, utf8(oidState, "Washington"), utf8(oidLocality, "Seattle"),
		utf8(oidOrganization, "Amazon"), utf8(oidOrganizationalUnit, "AWS"), utf8(oidCommonName, commonName))
}
