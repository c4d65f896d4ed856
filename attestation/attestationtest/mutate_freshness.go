package attestationtest

import (
	"slices"
	"time"

	"github.com/nitroattest/nitroattest/attestation"
)

// stamped moves the timestamp.
func stamped(reason attestation.Reason, name, comment string, f func(b *Blueprint) []byte) Mutation {
	return Mutation{
		Name: "timestamp-" + name, Topic: TopicFreshness, Reason: reason, Comment: comment,
		Apply: func(b *Blueprint) { b.Set("timestamp", f(b)) },
	}
}

func timestampMutations() []Mutation {
	const stale, outOfRange = attestation.Stale, attestation.TimestampOutOfRange
	at := func(offset time.Duration) func(*Blueprint) []byte {
		return func(b *Blueprint) []byte { return timestamp(b.judged().Add(offset)) }
	}
	// Without an age limit, the bounds that the leaf sets are what is left.
	unlimited := func(m Mutation) Mutation {
		m.Arrange = func(c *Case) { c.MaxAge = 0 }
		return m
	}
	return []Mutation{
		stamped(stale, "stale", "the document is one millisecond older than the limit; its leaf has been in use for an hour",
			at(-caseMaxAge-time.Millisecond)),
		stamped(stale, "half-an-hour-old", "the document is half an hour old", at(-30*time.Minute)),
		stamped(outOfRange, "in-an-hour", "the document is from an hour ahead, within its leaf's validity", at(time.Hour)),
		unlimited(stamped(outOfRange, "in-seconds", "the timestamp is in seconds, and so in January 1970", func(b *Blueprint) []byte {
			return cborWide(majorUint, uint64(b.time.Unix()))
		})),
		stamped(outOfRange, "in-a-thousand-years", "the document is from a thousand years ahead, further than 64 bits of nanoseconds reach", func(b *Blueprint) []byte {
			return timestamp(b.time.AddDate(1000, 0, 0))
		}),
		unlimited(stamped(outOfRange, "one-millisecond", "the timestamp is 1, the earliest that is not zero", func(*Blueprint) []byte {
			return cborWide(majorUint, 1)
		})),
		unlimited(stamped(outOfRange, "before-leaf", "the document is a millisecond older than its leaf", func(b *Blueprint) []byte {
			return timestamp(b.Certificate.NotBefore.Add(-time.Millisecond))
		})),
		{
			Name: "timestamp-before-new-leaf", Topic: TopicFreshness, Reason: outOfRange,
			Comment: "the leaf became valid ten seconds after the document was made, within the age limit",
			Apply:   func(b *Blueprint) { b.Certificate.NotBefore = b.time.Add(10 * time.Second) },
		},
		{
			Name: "timestamp-after-leaf", Topic: TopicFreshness, Reason: outOfRange,
			Comment: "the document is two seconds ahead, as clocks may differ, and its leaf expires in one",
			Apply: func(b *Blueprint) {
				b.Certificate.NotAfter = b.judged().Add(time.Second)
				b.Set("timestamp", timestamp(b.judged().Add(2*time.Second)))
			},
		},
	}
}

// variant is one way in which a value can differ from the expected one.
type variant struct {
	name, comment string
	value         func(b *Blueprint, expected []byte) []byte // nil: null
}

// variants are the ways of every field with an expected value.
var variants = []variant{
	{"null", "is null", func(*Blueprint, []byte) []byte { return nil }},
	{"empty", "is empty", func(*Blueprint, []byte) []byte { return []byte{} }},
	{"first-bit", "differs in its first bit", func(_ *Blueprint, v []byte) []byte { v[0] ^= 0x80; return v }},
	{"last-bit", "differs in its last bit", func(_ *Blueprint, v []byte) []byte { v[len(v)-1] ^= 1; return v }},
	{"short", "lacks its last byte", func(_ *Blueprint, v []byte) []byte { return v[:len(v)-1] }},
	{"prefix", "is the first byte of what is expected", func(_ *Blueprint, v []byte) []byte { return v[:1] }},
	{"long", "has a zero byte at its end", func(_ *Blueprint, v []byte) []byte { return append(v, 0) }},
	{"twice", "is what is expected, twice", func(_ *Blueprint, v []byte) []byte { return append(v, v...) }},
	{"zeros", "is as long as it has to be, and zero", func(_ *Blueprint, v []byte) []byte { return make([]byte, len(v)) }},
	{"other", "is another of the same length", func(b *Blueprint, v []byte) []byte { return b.random("other", len(v)) }},
}

// differing makes a mutation of every variant of a field.
func differing(field string, topic Topic, reason attestation.Reason) []Mutation {
	var all []Mutation
	for _, v := range variants {
		all = append(all, Mutation{
			Name: "expected-" + dashed(field) + "-" + v.name, Topic: topic, Reason: reason,
			Comment: field + " " + v.comment,
			Apply: func(b *Blueprint) {
				expected := []byte{0} // stands in for a field that holds nothing to vary
				if content := contentOf(b.field(field).Value); len(content) > 0 {
					expected = slices.Clone(content)
				}
				b.Set(field, cborOptional(v.value(b, expected)))
			},
		})
	}
	return append(all, Mutation{
		Name: "expected-" + dashed(field) + "-missing", Topic: topic, Reason: reason,
		Comment: field + " is missing, which means what null means",
		Apply:   func(b *Blueprint) { b.Remove(field) },
	})
}

func nonceMutations() []Mutation {
	return append(differing("nonce", TopicFreshness, attestation.NonceMismatch), Mutation{
		Name: "expected-nonce-in-user-data", Topic: TopicFreshness, Reason: attestation.NonceMismatch,
		Comment: "the nonce stands in user_data, of which nothing is expected, and its own field is null",
		Arrange: func(c *Case) { c.UserData = nil },
		Apply: func(b *Blueprint) {
			b.Set("user_data", b.field("nonce").Value)
			b.Set("nonce", []byte{cborNull})
		},
	})
}
