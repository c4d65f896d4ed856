package attestationtest

import (
	"slices"
	"time"

	"github.com/nitroattest/nitroattest/attestation"
	"github.com/nitroattest/nitroattest/pcr"
)

// variation is a change that a verifier must accept.
func variation(topic Topic, name, comment string, apply func(*Blueprint)) Mutation {
	return Mutation{Name: "accept-" + name, Topic: topic, Comment: comment, Apply: apply}
}

// Variations returns changes that a verifier must accept: what AWS signs or
// has signed, or may sign next, and values at the edges of what is allowed.
// Their Reason is empty.
func Variations() []Mutation {
	all := slices.Concat(encodingVariations(), fieldVariations(), nitroTPMVariations(), chainVariations(), freshnessVariations(), exchangeVariations())
	slices.SortStableFunc(all, func(a, b Mutation) int { return a.Topic.place() - b.Topic.place() })
	return all
}

func encodingVariations() []Mutation {
	indefinite := func(major byte) func(item []byte) []byte {
		return func(item []byte) []byte { return cborIndefiniteOf(major, contentOf(item)) }
	}
	return []Mutation{
		variation(TopicCoseStructure, "unchanged", "nothing is changed", nil),
		variation(TopicCoseStructure, "tag-18", "the tag that AWS's text shows and its documents lack", func(b *Blueprint) {
			b.EditDocument = prefixed(0xd2)
		}),
		variation(TopicPayloadAndSignature, "other-signature", "the other of the two signatures that verify, (r, -s): of the two, one has a high s", func(b *Blueprint) {
			b.EditSignature = func(sig []byte) []byte {
				r, s := splitScalars(sig)
				return joinScalars(r, s.Sub(curveOrder(), s))
			}
		}),
		variation(TopicStrictCbor, "definite-map", "the payload is a map of definite length, as until 2025", func(b *Blueprint) { b.Definite = true }),
		variation(TopicStrictCbor, "indefinite-pcrs", "pcrs is a map of indefinite length", func(b *Blueprint) { b.editField("pcrs", indefinite(majorMap)) }),
		variation(TopicStrictCbor, "indefinite-cabundle", "cabundle is an array of indefinite length", func(b *Blueprint) {
			b.editField("cabundle", indefinite(majorArray))
		}),
		variation(TopicStrictCbor, "order-of-specification", "the fields are in the order of AWS's CDDL", func(b *Blueprint) {
			order := []string{"module_id", "timestamp", "digest", "pcrs", "certificate", "cabundle", "public_key", "user_data", "nonce"}
			var sorted []Entry
			for _, name := range order {
				sorted = append(sorted, *b.field(name))
			}
			b.Payload = sorted
		}),
		variation(TopicStrictCbor, "registers-reversed", "the registers are in descending order", func(b *Blueprint) {
			b.PCRs = slices.Clone(b.PCRs)
			slices.Reverse(b.PCRs)
		}),
		variation(TopicUnknownFields, "unknown-field", "a field that is yet to be defined", func(b *Blueprint) { b.Set("future", cborText("value")) }),
		variation(TopicUnknownFields, "unknown-structure", "an unknown field with a map in an array in a map", func(b *Blueprint) {
			b.Set("future", []byte{0xa1, 0x00, 0x81, 0xa1, 0x61, 'k', 0xf6})
		}),
	}
}

func fieldVariations() []Mutation {
	long := variation(TopicFields, "fields-of-1024-bytes", "all three optional fields are as long as they may be", nil)
	long.Arrange = func(c *Case) {
		c.PublicKey, c.UserData, c.Nonce = slices.Repeat([]byte{1}, 1024), slices.Repeat([]byte{2}, 1024), slices.Repeat([]byte{3}, 1024)
	}
	none := variation(TopicFields, "fields-null", "all three optional fields are null, where nothing is expected", nil)
	none.Arrange = func(c *Case) { c.PublicKey, c.UserData, c.Nonce = nil, nil, nil }
	missing := variation(TopicFields, "fields-missing", "all three optional fields are missing, where nothing is expected", func(b *Blueprint) {
		b.Remove("public_key")
		b.Remove("user_data")
		b.Remove("nonce")
	})
	missing.Arrange = none.Arrange
	empty := variation(TopicBinding, "fields-empty", "public_key and user_data are empty, as is expected of them", nil)
	empty.Arrange = func(c *Case) { c.PublicKey, c.UserData = []byte{}, []byte{} }
	short := variation(TopicFreshness, "nonce-of-one-byte", "the nonce is one byte long, as is expected", nil)
	short.Arrange = func(c *Case) { c.Nonce = []byte{0} }
	return []Mutation{
		long, none, missing, empty, short,
		variation(TopicFields, "17-registers", "register 16 was extended", func(b *Blueprint) { b.SetPCR(16, pcr.Value(b.random("16", pcr.Size))) }),
		variation(TopicFields, "32-registers", "every register was locked", func(b *Blueprint) {
			for register := bootRegisters; register < pcr.MaxRegisters; register++ {
				b.SetPCR(register, pcr.Value{})
			}
		}),
		variation(TopicFields, "sparse-registers", "register 31 was extended and those before it were not", func(b *Blueprint) {
			b.SetPCR(31, pcr.Value(b.random("31", pcr.Size)))
		}),
		variation(TopicFields, "four-registers", "only the registers that the policy lists are there", func(b *Blueprint) {
			b.PCRs = slices.DeleteFunc(b.PCRs, func(e Entry) bool {
				for _, register := range []int{0, 1, 2, 8} {
					if e.Key[0] == byte(register) {
						return false
					}
				}
				return true
			})
		}),
		variation(TopicDebugMode, "zero-elsewhere", "PCR4 is zero, which is not debug mode", func(b *Blueprint) { b.SetPCR(pcr.RegisterInstance, pcr.Value{}) }),
	}
}

func nitroTPMVariations() []Mutation {
	all := []Mutation{
		variation(TopicDocumentKind, "nitrotpm", "the document of a NitroTPM, where one is asked for", nil),
		variation(TopicDebugMode, "nitrotpm-zeros", "registers 0 to 2 of a NitroTPM are zero, which is not debug mode", func(b *Blueprint) {
			for register := range 3 {
				b.SetPCR(register, pcr.Value{})
			}
		}),
		variation(TopicApplicationRegisters, "nitrotpm-reset", "the guest has reset registers 16 and 23 of a NitroTPM, which no policy lists, and extended them", func(b *Blueprint) {
			b.SetPCR(16, pcr.Value(b.random("16", pcr.Size)))
			b.SetPCR(23, pcr.Value(b.random("23", pcr.Size)))
		}),
	}
	for i := range all {
		all[i].NitroTPM = true
	}
	return all
}

func chainVariations() []Mutation {
	edit := func(topic Topic, name, comment string, level Level, f func(*Blueprint, *Certificate)) Mutation {
		return variation(topic, name, comment, func(b *Blueprint) { f(b, b.Chain[level]) })
	}
	return []Mutation{
		edit(TopicValidity, "leaf-expires-now", "the leaf expires in this second, which is its last", LevelLeaf, func(b *Blueprint, c *Certificate) {
			c.NotAfter = b.judged()
		}),
		edit(TopicValidity, "instance-valid-from-now", "the instance certificate becomes valid in this second", LevelInstance, func(b *Blueprint, c *Certificate) {
			c.NotBefore = b.judged()
		}),
		edit(TopicValidity, "leaf-valid-in-a-minute", "leaf and document are from a minute ahead, as clocks may differ", LevelLeaf, func(b *Blueprint, c *Certificate) {
			c.NotBefore = b.judged().Add(attestation.DefaultClockSkew)
			b.Set("timestamp", timestamp(c.NotBefore))
		}),
		edit(TopicValidity, "leaf-longer-than-issuer", "the leaf outlives its issuer, and the instance certificate the zonal one: validity need not nest", LevelZonal, func(b *Blueprint, c *Certificate) {
			c.NotAfter = b.judged().Add(time.Minute)
		}),
		edit(TopicConstraints, "instance-without-identifiers", "the instance certificate has no key identifiers, as until 2023", LevelInstance, func(_ *Blueprint, c *Certificate) {
			c.removeExtension(oidSubjectKeyID)
			c.removeExtension(oidAuthorityKeyID)
		}),
		edit(TopicConstraints, "leaf-critical-key-usage", "the leaf's key usage is critical, as RFC 5280 would have it", LevelLeaf, func(_ *Blueprint, c *Certificate) {
			c.setExtension(keyUsage(true, usageLeaf))
		}),
		edit(TopicConstraints, "unknown-non-critical", "the leaf has an extension of nobody's that is not critical", LevelLeaf, func(_ *Blueprint, c *Certificate) {
			c.Extensions = append(c.Extensions, padding(1))
		}),
		edit(TopicCertificateProfile, "serial-of-one-byte", "the zonal certificate has a serial number of one byte", LevelZonal, func(_ *Blueprint, c *Certificate) {
			c.Serial = []byte{1}
		}),
		edit(TopicLeafName, "other-region", "the leaf is of a region that was opened later", LevelLeaf, func(b *Blueprint, c *Certificate) {
			c.Subject = instanceName(b.module + ".xx-future-9.aws")
		}),
	}
}

func freshnessVariations() []Mutation {
	at := func(name, comment string, offset time.Duration) Mutation {
		return variation(TopicFreshness, name, comment, func(b *Blueprint) { b.Set("timestamp", timestamp(b.judged().Add(offset))) })
	}
	unlimited := variation(TopicFreshness, "as-old-as-leaf", "the document is from the second in which its leaf became valid, and there is a nonce and no age limit", func(b *Blueprint) {
		b.Set("timestamp", timestamp(b.Certificate.NotBefore))
	})
	unlimited.Arrange = func(c *Case) { c.MaxAge = 0 }
	return []Mutation{
		at("at-age-limit", "the document is exactly as old as it may be", -caseMaxAge),
		at("now", "the document is from this moment", 0),
		at("a-second-ahead", "the document is from a second ahead, as clocks differ", time.Second),
		unlimited,
	}
}
