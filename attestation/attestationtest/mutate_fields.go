package attestationtest

import (
	"bytes"
	"strconv"

	"github.com/nitroattest/nitroattest/attestation"
)

// field changes the value of a field into one that the format does not allow.
func field(name, comment string, apply func(*Blueprint)) Mutation {
	return Mutation{Name: "field-" + name, Topic: TopicFields, Reason: attestation.InvalidField, Comment: comment, Apply: apply}
}

// setField gives a field another encoded value.
func setField(name, field_, comment string, value ...byte) Mutation {
	return field(name, comment, func(b *Blueprint) { b.Set(field_, value) })
}

// mandatoryMutations leave out the fields that have to be there.
func mandatoryMutations() []Mutation {
	var all []Mutation
	for _, name := range fieldNames[:6] {
		all = append(all,
			field(dashed(name)+"-missing", name+" is missing", func(b *Blueprint) { b.Remove(name) }),
			setField(dashed(name)+"-null", name, name+" is null", cborNull))
	}
	return append(all,
		field("payload-empty-map", "a payload without any field", func(b *Blueprint) { b.Payload = nil }))
}

// valueMutations are about the fields that are single values.
func valueMutations() []Mutation {
	return []Mutation{
		field("module-id-empty", "module_id is empty, and so is its part of the leaf's name", func(b *Blueprint) { b.SetModuleID("") }),
		field("module-id-bytes", "module_id is a byte string", func(b *Blueprint) {
			b.editField("module_id", func(item []byte) []byte { return retype(item, majorBytes) })
		}),
		setField("digest-sha256", "digest", "the digest is SHA256, which the registers are not of", cborText("SHA256")...),
		setField("digest-sha512", "digest", "the digest is SHA512", cborText("SHA512")...),
		setField("digest-md5", "digest", "the digest is MD5", cborText("MD5")...),
		setField("digest-lower-case", "digest", "the digest is sha384", cborText("sha384")...),
		setField("digest-hyphen", "digest", "the digest is SHA-384, its official name", cborText("SHA-384")...),
		setField("digest-nul", "digest", "a zero byte ends the digest, as a C string would", cborText("SHA384\x00")...),
		setField("digest-empty", "digest", "the digest is empty", cborText("")...),
		setField("digest-bytes", "digest", "the digest is a byte string", cborBytes([]byte("SHA384"))...),
		setField("digest-number", "digest", "the digest is the number 384", cborInt(384)...),

		setField("timestamp-zero", "timestamp", "the timestamp is 0", cborInt(0)...),
		setField("timestamp-negative", "timestamp", "the timestamp is -1", cborInt(-1)...),
		setField("timestamp-2-to-the-64", "timestamp", "the timestamp is 2^64-1, which is -1 in a signed number", cborWide(majorUint, 1<<64-1)...),
		setField("timestamp-2-to-the-63", "timestamp", "the timestamp is 2^63, the least signed number", cborWide(majorUint, 1<<63)...),
		field("timestamp-wraps", "the timestamp is right after a multiplication by 10^6, to nanoseconds, wraps at 2^64", func(b *Blueprint) {
			// 2^58 times 10^6 is a multiple of 2^64: it vanishes.
			b.Set("timestamp", cborWide(majorUint, uint64(b.time.UnixMilli())+1<<58))
		}),
		field("timestamp-text", "the timestamp as RFC 3339 text", func(b *Blueprint) {
			b.Set("timestamp", cborText(b.time.UTC().Format("2006-01-02T15:04:05Z")))
		}),
		field("timestamp-digits", "the timestamp as decimal digits", func(b *Blueprint) {
			b.Set("timestamp", cborText(strconv.FormatInt(b.time.UnixMilli(), 10)))
		}),
		field("timestamp-bytes", "the timestamp as 8 bytes", func(b *Blueprint) {
			b.editField("timestamp", func(item []byte) []byte { return cborBytes(item[1:]) })
		}),

		setField("certificate-empty", "certificate", "the leaf is an empty string", cborBytes(nil)...),
		field("certificate-text", "the leaf as a text string", func(b *Blueprint) {
			b.Set("certificate", cborText("certificate"))
		}),
		field("certificate-array", "the leaf as an array of one", func(b *Blueprint) {
			b.editField("certificate", func(item []byte) []byte { return cborArray(item) })
		}),
		field("certificate-1025-bytes", "a non-critical extension takes the leaf beyond 1024 bytes", func(b *Blueprint) {
			b.Certificate.Extensions = append(b.Certificate.Extensions, padding(500))
		}),
	}
}

// optionalMutations are about the three fields that are the enclave's own.
func optionalMutations() []Mutation {
	var all []Mutation
	for _, o := range []struct {
		name   string
		expect func(*Case) *[]byte
	}{
		{"public_key", func(c *Case) *[]byte { return &c.PublicKey }},
		{"user_data", func(c *Case) *[]byte { return &c.UserData }},
		{"nonce", func(c *Case) *[]byte { return &c.Nonce }},
	} {
		tooLong := setField(dashed(o.name)+"-1025-bytes", o.name,
			o.name+" is one byte beyond the limit of 1024, where nothing is expected of it", cborBytes(make([]byte, 1025))...)
		tooLong.Arrange = func(c *Case) { *o.expect(c) = nil }
		text := field(dashed(o.name)+"-text", o.name+" is a text string of the right bytes, which are letters", func(b *Blueprint) {
			b.editField(o.name, func(item []byte) []byte { return retype(item, majorText) })
		})
		text.Arrange = func(c *Case) { *o.expect(c) = []byte("a value in letters") }
		all = append(all, tooLong, text,
			field(dashed(o.name)+"-array", o.name+" is an array of the right bytes as numbers", func(b *Blueprint) {
				b.editField(o.name, arrayOf)
			}),
			setField(dashed(o.name)+"-number", o.name, o.name+" is the number 0", cborInt(0)...),
			setField(dashed(o.name)+"-false", o.name, o.name+" is false", cborTrue&^1))
	}
	return all
}

// arrayOf is a byte string as an array of numbers, which some decoders read
// into the same variable.
func arrayOf(item []byte) []byte {
	var items [][]byte
	for _, b := range bytes.Clone(contentOf(item)) {
		items = append(items, cborInt(int64(b)))
	}
	return cborArray(items...)
}
