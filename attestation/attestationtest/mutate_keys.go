package attestationtest

import (
	"slices"
	"strings"

	"github.com/nitroattest/nitroattest/attestation"
	"github.com/nitroattest/nitroattest/pcr"
)

var fieldNames = []string{"module_id", "digest", "timestamp", "pcrs", "certificate", "cabundle", "public_key", "user_data", "nonce"}

func dashed(field string) string { return strings.ReplaceAll(field, "_", "-") }

// keyMutations are about keys that two readers could take for different
// things.
func keyMutations() []Mutation {
	var all []Mutation
	for _, field := range fieldNames {
		all = append(all,
			payload("duplicate-"+dashed(field), field+" twice, the same: some readers keep the first, some the last", func(b *Blueprint) {
				b.Payload = append(b.Payload, *b.field(field))
			}),
			payload("upper-case-"+dashed(field), field+" in upper case alone, which a reader that ignores case would take", func(b *Blueprint) {
				b.field(field).Key = cborText(strings.ToUpper(field))
			}))
	}
	return append(all,
		payload("duplicate-pcrs-other-first", "two pcrs, the right one last", func(b *Blueprint) {
			b.Payload = slices.Insert(b.Payload, 0, Entry{Key: cborText("pcrs"), Value: b.otherPCRs()})
		}),
		payload("duplicate-pcrs-other-last", "two pcrs, the right one first", func(b *Blueprint) {
			b.Payload = append(b.Payload, Entry{Key: cborText("pcrs"), Value: b.otherPCRs()})
		}),
		payload("two-cases-pcrs", "PCRS with other values beside pcrs", func(b *Blueprint) { b.Set("PCRS", b.otherPCRs()) }),
		payload("two-cases-nonce", "Nonce with another value beside nonce", func(b *Blueprint) {
			b.Set("Nonce", cborBytes(b.random("nonce", 32)))
		}),
		payload("duplicate-unknown", "an unknown key twice", func(b *Blueprint) {
			b.Set("unknown", []byte{cborNull})
			b.Payload = append(b.Payload, Entry{Key: cborText("unknown"), Value: []byte{cborNull}})
		}),
		unknown("duplicate-nested", "a map that repeats a key", 0xa2, 0x00, 0x00, 0x00, 0x01),
		payload("duplicate-register", "PCR0 twice, the same", func(b *Blueprint) {
			b.PCRs = append(b.PCRs, *b.register(pcr.RegisterImage))
		}),
		payload("duplicate-register-other-first", "PCR0 twice, the right one last", func(b *Blueprint) {
			b.PCRs = slices.Insert(b.PCRs, 0, Entry{Key: cborInt(pcr.RegisterImage), Value: cborBytes(b.random("register", pcr.Size))})
		}),
		payload("duplicate-register-long", "PCR0 a second time, with its index in two bytes: 18 00 is 0 too", func(b *Blueprint) {
			b.PCRs = append(b.PCRs, Entry{Key: []byte{0x18, 0x00}, Value: b.register(pcr.RegisterImage).Value})
		}),
		payload("key-bytes", "an unknown key that is a byte string, of the letters of \"nonce\"", func(b *Blueprint) {
			b.Payload = append(b.Payload, Entry{Key: cborBytes([]byte("nonce")), Value: []byte{cborNull}})
		}),
		payload("key-number", "an unknown key that is a number", func(b *Blueprint) {
			b.Payload = append(b.Payload, Entry{Key: []byte{0x01}, Value: []byte{cborNull}})
		}),
		payload("key-null", "an unknown key that is null", func(b *Blueprint) {
			b.Payload = append(b.Payload, Entry{Key: []byte{cborNull}, Value: []byte{cborNull}})
		}),
		payload("key-array", "an unknown key that is an array", func(b *Blueprint) {
			b.Payload = append(b.Payload, Entry{Key: []byte{0x80}, Value: []byte{cborNull}})
		}),
	)
}

// otherPCRs encodes the registers with other values.
func (b *Blueprint) otherPCRs() []byte {
	var items [][]byte
	for _, e := range b.PCRs {
		items = append(items, e.Key, cborBytes(b.random("register "+string(e.Key), pcr.Size)))
	}
	return cborMap(true, items)
}

// lookalikeKey moves a field to an unknown key and leaves null behind.
func lookalikeKey(name, field, key, comment string, reason attestation.Reason) Mutation {
	return Mutation{
		Name: "unknown-" + name, Topic: TopicUnknownFields, Reason: reason, Comment: comment,
		Apply: func(b *Blueprint) {
			b.Set(key, b.field(field).Value)
			b.Set(field, []byte{cborNull})
		},
	}
}

// unknownKeyMutations are about unknown keys that must not be taken for known
// ones.
func unknownKeyMutations() []Mutation {
	return []Mutation{
		lookalikeKey("nonce-space", "nonce", "nonce ", "the nonce stands under a key with a space at its end", attestation.NonceMismatch),
		lookalikeKey("nonce-nul", "nonce", "nonce\x00", "the nonce stands under a key with a zero byte at its end", attestation.NonceMismatch),
		lookalikeKey("user-data-hyphen", "user_data", "user-data", "user_data stands under a key with a hyphen", attestation.UserDataMismatch),
		lookalikeKey("public-key-cyrillic", "public_key", "рublic_key", "public_key stands under a key whose first letter is Cyrillic", attestation.PublicKeyMismatch),
		{
			Name: "unknown-pcr", Topic: TopicUnknownFields, Reason: attestation.MeasurementMismatch,
			Comment: "pcrs lacks PCR0 and an unknown field \"0\" has its value",
			Apply: func(b *Blueprint) {
				b.Set("0", b.register(pcr.RegisterImage).Value)
				b.RemovePCR(pcr.RegisterImage)
			},
		},
	}
}
