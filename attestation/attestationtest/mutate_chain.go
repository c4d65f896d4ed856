package attestationtest

import (
	"bytes"
	"slices"
	"strings"
	"time"

	"github.com/nitroattest/nitroattest/attestation"
)

// root makes a chain whose first certificate is not the pinned one.
func root(name, comment string, apply func(*Blueprint)) Mutation {
	return Mutation{Name: "root-" + name, Topic: TopicPinnedRoot, Reason: attestation.UntrustedRoot, Comment: comment, Apply: apply}
}

func rootMutations() []Mutation {
	return []Mutation{
		root("look-alike", "a root with another key and otherwise the same, down to names, dates, serial number and key identifier; everything below it is in order", func(b *Blueprint) {
			b.Chain[LevelRoot].Key = b.NewKey("root")
		}),
		root("renewed", "the same root with the same key, valid for a year longer", func(b *Blueprint) {
			b.Chain[LevelRoot].NotAfter = b.Chain[LevelRoot].NotAfter.AddDate(1, 0, 0)
		}),
		root("other-signature", "the same root with the other of the two signatures that verify: (r, -s)", func(b *Blueprint) {
			b.Chain[LevelRoot].EditDER = negateSignature
		}),
		root("trailing-byte", "a zero byte follows the root", func(b *Blueprint) {
			b.Chain[LevelRoot].EditDER = func(der []byte) []byte { return append(der, 0) }
		}),
		root("other-name", "a root of another name", func(b *Blueprint) {
			b.Chain[LevelRoot].Subject = rootName("aws-us-gov.nitro-enclaves")
		}),
		root("missing", "the bundle begins with the regional certificate, as TLS has it", func(b *Blueprint) {
			b.Bundle = b.Bundle[1:]
		}),
		root("last", "the bundle is in reverse, its root last", func(b *Blueprint) {
			b.Bundle = slices.Clone(b.Bundle)
			slices.Reverse(b.Bundle)
		}),
		root("after-leaf", "the leaf stands before the root, as the top of the chain", func(b *Blueprint) {
			b.Bundle = append([]*Certificate{b.Certificate}, b.Bundle...)
		}),
		root("self-signed-leaf", "the leaf signs itself and is its own bundle", func(b *Blueprint) {
			b.Certificate.Parent = nil
			b.Bundle = []*Certificate{b.Certificate}
		}),
		{
			Name: "root-look-alike-below-pinned", Topic: TopicNamesAndSignatures, Reason: attestation.InvalidChain,
			Comment: "the pinned root, and then a look-alike of it above the rest: the names chain, the signature does not",
			Apply: func(b *Blueprint) {
				fake := b.Chain[LevelRoot].clone()
				fake.Key = b.NewKey("root")
				b.Chain[LevelRegional].Parent = fake
				b.Bundle = slices.Insert(slices.Clone(b.Bundle), 1, fake)
			},
		},
		{
			Name: "root-path-length-2", Topic: TopicConstraints, Reason: attestation.InvalidChain, TrustsRoot: true,
			Comment: "the trusted root allows two authorities below it, and three are there",
			Apply: func(b *Blueprint) {
				b.Chain[LevelRoot].setExtension(basicConstraints(2))
			},
		},
		{
			Name: "root-expired", Topic: TopicValidity, Reason: attestation.CertificateExpired, TrustsRoot: true,
			Comment: "the trusted root itself expired a second ago",
			Apply:   func(b *Blueprint) { b.Chain[LevelRoot].NotAfter = b.judged().Add(-time.Second) },
		},
		{
			Name: "root-not-yet-valid", Topic: TopicValidity, Reason: attestation.CertificateNotYetValid, TrustsRoot: true,
			Comment: "the trusted root itself becomes valid in a second",
			Apply:   func(b *Blueprint) { b.Chain[LevelRoot].NotBefore = b.judged().Add(time.Second) },
		},
	}
}

// judged is the verifier's time of a [Case].
func (b *Blueprint) judged() time.Time { return b.time.Add(caseAge) }

// bundleOrder changes which certificates the bundle lists, and leaves them alone.
func bundleOrder(name, comment string, f func(*Blueprint, []*Certificate) []*Certificate) Mutation {
	return Mutation{
		Name: "bundle-" + name, Topic: TopicBundleOrder, Reason: attestation.InvalidChain, Comment: comment,
		Apply: func(b *Blueprint) { b.Bundle = f(b, slices.Clone(b.Bundle)) },
	}
}

func swapped(i, j Level) func(*Blueprint, []*Certificate) []*Certificate {
	return func(_ *Blueprint, bundle []*Certificate) []*Certificate {
		bundle[i], bundle[j] = bundle[j], bundle[i]
		return bundle
	}
}

func orderMutations() []Mutation {
	lacking := at(authorities, func(level Level) Mutation {
		return bundleOrder("lacks", "the "+level.String()+" certificate is missing", func(_ *Blueprint, bundle []*Certificate) []*Certificate {
			return slices.Delete(bundle, int(level), int(level)+1)
		})
	})
	repeating := at([]Level{LevelRoot, LevelRegional, LevelZonal, LevelInstance}, func(level Level) Mutation {
		return bundleOrder("repeats", "the "+level.String()+" certificate follows itself", func(_ *Blueprint, bundle []*Certificate) []*Certificate {
			return slices.Insert(bundle, int(level), bundle[level])
		})
	})
	return slices.Concat(lacking, repeating, []Mutation{
		bundleOrder("regional-zonal-swapped", "the zonal certificate stands before the regional one", swapped(LevelRegional, LevelZonal)),
		bundleOrder("zonal-instance-swapped", "the instance certificate stands before the zonal one", swapped(LevelZonal, LevelInstance)),
		bundleOrder("reversed-below-root", "the root comes first and the others in reverse", func(_ *Blueprint, bundle []*Certificate) []*Certificate {
			slices.Reverse(bundle[1:])
			return bundle
		}),
		bundleOrder("root-only", "the bundle is the root alone", func(_ *Blueprint, bundle []*Certificate) []*Certificate {
			return bundle[:1]
		}),
		bundleOrder("leaf-at-end", "the bundle ends with the leaf too", func(b *Blueprint, bundle []*Certificate) []*Certificate {
			return append(bundle, b.Certificate)
		}),
		bundleOrder("root-at-end", "the bundle ends with the root too", func(_ *Blueprint, bundle []*Certificate) []*Certificate {
			return append(bundle, bundle[0])
		}),
		bundleOrder("unused-at-end", "a good instance certificate that the chain does not need ends the bundle", func(b *Blueprint, bundle []*Certificate) []*Certificate {
			return append(bundle, b.sibling(LevelInstance))
		}),
		bundleOrder("unused-in-between", "a second good zonal certificate follows the one that is needed", func(b *Blueprint, bundle []*Certificate) []*Certificate {
			return slices.Insert(bundle, int(LevelInstance), b.sibling(LevelZonal))
		}),
		bundleOrder("foreign-at-end", "a self-signed certificate that has nothing to do with the chain ends the bundle", func(b *Blueprint, bundle []*Certificate) []*Certificate {
			foreign := b.sibling(LevelRoot)
			foreign.Subject = rootName("example.com")
			return append(bundle, foreign)
		}),
		bundleOrder("other-zone", "the zonal certificate is that of another zone, of the same region", func(b *Blueprint, bundle []*Certificate) []*Certificate {
			bundle[LevelZonal] = b.sibling(LevelZonal)
			return bundle
		}),
	})
}

// sibling is a certificate like that of a level, from the same issuer, with a
// name and a key of its own.
func (b *Blueprint) sibling(level Level) *Certificate {
	c := b.Chain[level].clone()
	c.Key = b.NewKey("sibling")
	c.Serial = positive(b.random("sibling", 16))
	switch level {
	case LevelZonal:
		c.Subject = zonalName("0123456789abcdef.zonal." + b.region + ".aws.nitro-enclaves")
	case LevelInstance:
		c.Subject = instanceName("i-0123456789abcdef0." + b.region + ".aws.nitro-enclaves")
	}
	return c
}

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

// subject changes the leaf's name, whose common name is
// <module_id>.<region>.aws.
func subject(name, comment string, f func(b *Blueprint) []byte) Mutation {
	return Mutation{
		Name: "leaf-name-" + name, Topic: TopicLeafName, Reason: attestation.InvalidChain, Comment: comment,
		Apply: func(b *Blueprint) { b.Certificate.Subject = f(b) },
	}
}

// commonName is subject with the names in it otherwise as they were.
func commonName(name, comment string, f func(module, region string) string) Mutation {
	return subject(name, comment, func(b *Blueprint) []byte { return instanceName(f(b.module, b.region)) })
}

func subjectMutations() []Mutation {
	other := func(module string) string { return module[:len(module)-1] + flippedDigit(module) }
	return []Mutation{
		{
			Name: "module-id-changed", Topic: TopicLeafName, Reason: attestation.InvalidChain,
			Comment: "module_id names another enclave on the instance; the leaf does not",
			Apply:   func(b *Blueprint) { b.Set("module_id", cborText(other(b.module))) },
		},
		{
			Name: "module-id-prefix-of-leaf", Topic: TopicLeafName, Reason: attestation.InvalidChain,
			Comment: "the leaf is that of a module whose ID goes on after the one that the document claims",
			Apply:   func(b *Blueprint) { b.Certificate.Subject = instanceName(b.module + "0." + b.region + ".aws") },
		},
		commonName("other-enclave", "the leaf is that of another enclave on the instance", func(module, region string) string {
			return other(module) + "." + region + ".aws"
		}),
		commonName("other-instance", "the leaf is that of an enclave of the same ID on another instance", func(module, region string) string {
			return "i-0123456789abcdef0" + module[strings.LastIndexByte(module, '-'):] + "." + region + ".aws"
		}),
		commonName("module-only", "the common name is the module ID alone", func(module, _ string) string { return module }),
		commonName("no-region", "the common name has no region", func(module, _ string) string { return module + ".aws" }),
		commonName("empty-region", "the region in the common name is empty", func(module, _ string) string { return module + "..aws" }),
		commonName("no-suffix", "the common name does not end in .aws", func(module, region string) string { return module + "." + region }),
		commonName("other-suffix", "the common name ends in .example", func(module, region string) string { return module + "." + region + ".example" }),
		commonName("instance-suffix", "the common name ends as that of an instance", func(module, region string) string {
			return module + "." + region + ".aws.nitro-enclaves"
		}),
		commonName("prefix", "something stands before the module ID", func(module, region string) string {
			return "x" + module + "." + region + ".aws"
		}),
		commonName("upper-case", "the module ID is in upper case", func(module, region string) string {
			return strings.ToUpper(module) + "." + region + ".aws"
		}),
		commonName("extra-label", "a label stands between module ID and region", func(module, region string) string {
			return module + ".example." + region + ".aws"
		}),
		commonName("trailing-dot", "a dot ends the common name", func(module, region string) string { return module + "." + region + ".aws." }),
		commonName("empty", "the common name is empty", func(string, string) string { return "" }),
		subject("missing", "the leaf has no common name", func(*Blueprint) []byte {
			return derName(country, utf8(oidOrganization, "Amazon"))
		}),
		subject("two-common-names", "a common name of another enclave and the right one: readers differ on which counts", func(b *Blueprint) []byte {
			return derName(country, utf8(oidOrganization, "Amazon"),
				utf8(oidCommonName, other(b.module)+"."+b.region+".aws"),
				utf8(oidCommonName, b.module+"."+b.region+".aws"))
		}),
		subject("in-organizational-unit", "the right name stands in the organizational unit", func(b *Blueprint) []byte {
			return derName(country, utf8(oidOrganization, "Amazon"),
				utf8(oidOrganizationalUnit, b.module+"."+b.region+".aws"), utf8(oidCommonName, "AWS"))
		}),
	}
}

// flippedDigit is another hex digit than the last of s.
func flippedDigit(s string) string {
	if strings.HasSuffix(s, "0") {
		return "1"
	}
	return "0"
}

// validityMutations are about times at which a certificate does not count. The
// dates of the others, and of the document, are in order.
func validityMutations() []Mutation {
	reason := func(r attestation.Reason, at func(Level) Mutation) func(Level) Mutation {
		return func(level Level) Mutation {
			m := at(level)
			m.Reason = r
			return m
		}
	}
	return slices.Concat(
		at(belowRoot, reason(attestation.CertificateExpired,
			certificate(TopicValidity, "expired", "it expired a second ago, after the document was made", func(b *Blueprint, c *Certificate) {
				c.NotAfter = b.judged().Add(-time.Second)
			}))),
		at(authorities, reason(attestation.CertificateNotYetValid,
			certificate(TopicValidity, "not-yet-valid", "it becomes valid in a second; only the leaf's beginning is tolerated", func(b *Blueprint, c *Certificate) {
				c.NotBefore = b.judged().Add(time.Second)
			}))),
		at([]Level{LevelLeaf}, reason(attestation.CertificateNotYetValid,
			certificate(TopicValidity, "not-yet-valid", "it becomes valid in 61 seconds, a second more than clocks may differ", func(b *Blueprint, c *Certificate) {
				c.NotBefore = b.judged().Add(attestation.DefaultClockSkew + time.Second)
			}))),
		at([]Level{LevelLeaf}, reason(attestation.CertificateExpired,
			certificate(TopicValidity, "validity-reversed", "notAfter is before notBefore, both past", func(b *Blueprint, c *Certificate) {
				c.NotBefore, c.NotAfter = b.judged().Add(-time.Minute), b.judged().Add(-2*time.Minute)
			}))),
		[]Mutation{{
			Name: "replay-of-last-year", Topic: TopicClock, Reason: attestation.CertificateExpired,
			Comment: "everything was in order a year ago: a verifier that goes by the document's own time accepts it",
			Arrange: func(c *Case) { c.MaxAge = 0 },
			Apply: func(b *Blueprint) {
				for _, c := range b.Chain[LevelRegional:] {
					c.NotBefore, c.NotAfter = c.NotBefore.AddDate(-1, 0, 0), c.NotAfter.AddDate(-1, 0, 0)
				}
				b.Set("timestamp", timestamp(b.time.AddDate(-1, 0, 0)))
			},
		}},
	)
}
