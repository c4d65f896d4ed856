package attestationtest

import (
	"bytes"
	"slices"
)

// issuerMutations break the link between a certificate and the one above.
func issuerMutations() []Mutation {
	return slices.Concat(
		at(belowRoot, certificate(TopicNamesAndSignatures, "issuer-name", "the issuer's name is another one; the issuer's key signs", func(_ *Blueprint, c *Certificate) {
			c.Issuer = bytes.Replace(c.issuer(), []byte("Amazon"), []byte("Amazom"), 1)
		})),
		at(belowRoot, certificate(TopicNamesAndSignatures, "issuer-case", "the issuer's name differs in case, which X.500 would let pass", func(_ *Blueprint, c *Certificate) {
			c.Issuer = bytes.Replace(c.issuer(), []byte("Amazon"), []byte("AMAZON"), 1)
		})),
		at(belowRoot, certificate(TopicNamesAndSignatures, "issuer-string-type", "the issuer's organization is a PrintableString of the same text", func(_ *Blueprint, c *Certificate) {
			c.Issuer = bytes.Replace(c.issuer(), []byte("\x0c\x06Amazon"), []byte("\x13\x06Amazon"), 1)
		})),
		at(belowRoot, certificate(TopicNamesAndSignatures, "issuer-empty", "the issuer's name is empty", func(_ *Blueprint, c *Certificate) {
			c.Issuer = tlv(tagSequence)
		})),
		at(belowRoot, certificate(TopicNamesAndSignatures, "foreign-signature", "a key that nothing certifies has signed it", func(b *Blueprint, c *Certificate) {
			c.SigningKey = b.NewKey("foreign")
		})),
		at(belowRoot, certificate(TopicNamesAndSignatures, "self-signature", "its own key has signed it", func(_ *Blueprint, c *Certificate) {
			c.SigningKey = c.Key
		})),
		at(belowRoot, certificate(TopicNamesAndSignatures, "changed-after-signing", "its validity is a day longer than what was signed", func(_ *Blueprint, c *Certificate) {
			longer := c.clone()
			longer.NotAfter = c.NotAfter.AddDate(0, 0, 1)
			c.EditDER = func(der []byte) []byte {
				return bytes.Replace(der, derTime(c.NotAfter), derTime(longer.NotAfter), 1)
			}
		})),
		at(belowRoot, certificate(TopicNamesAndSignatures, "signature-bit", "one bit of its signature is wrong", func(_ *Blueprint, c *Certificate) {
			c.EditDER = func(der []byte) []byte {
				der[len(der)-1] ^= 1
				return der
			}
		})),
		at([]Level{LevelZonal, LevelInstance, LevelLeaf}, certificate(TopicNamesAndSignatures, "grandparent-signature", "the key two levels above has signed it, in the name of the one above", func(_ *Blueprint, c *Certificate) {
			c.SigningKey = c.Parent.Parent.Key
		})),
	)
}

// negateSignature replaces (r, s) of a certificate by (r, n-s), which verifies
// as well.
func negateSignature(der []byte) []byte {
	body := contents(der)
	tbs, rest := firstValue(body)
	algorithm, bits := firstValue(rest)
	signature := contents(bits)[1:]
	r, s, ok := splitASN1(signature)
	if !ok {
		return der
	}
	s.Sub(curveOrder(), s)
	other := tlv(tagSequence, tlv(tagInteger, positive(r.Bytes())), tlv(tagInteger, positive(s.Bytes())))
	return tlv(tagSequence, tbs, algorithm, derBitString(other))
}
