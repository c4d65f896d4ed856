package attestationtest

import (
	"bytes"
	"crypto/x509/pkix"
	"encoding/asn1"
	"slices"
	"strconv"
	"strings"

	"github.com/nitroattest/nitroattest/attestation"
	"github.com/nitroattest/nitroattest/pcr"
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

// addRegister lists one more register, under an index of any form.
func addRegister(name, comment string, index []byte) Mutation {
	return field("pcrs-"+name, comment, func(b *Blueprint) {
		b.PCRs = append(b.PCRs, Entry{Key: index, Value: cborBytes(b.random("register", pcr.Size))})
	})
}

// lastRegister changes the value of a register that no policy lists.
func lastRegister(name, comment string, value ...byte) Mutation {
	return field("pcrs-value-"+name, comment, func(b *Blueprint) { b.PCRs[len(b.PCRs)-1].Value = value })
}

func registerMutations() []Mutation {
	tpm := addRegister("nitrotpm-index-24", "a NitroTPM has registers 0 to 23", cborInt(pcr.NitroTPMRegisters))
	tpm.NitroTPM = true
	return []Mutation{
		field("pcrs-empty", "no register at all, so that a loop over them finds nothing wrong", func(b *Blueprint) { b.PCRs = nil }),
		field("pcrs-array", "the registers as an array, their indexes implied", func(b *Blueprint) {
			var values [][]byte
			for _, e := range b.PCRs {
				values = append(values, e.Value)
			}
			b.Set("pcrs", cborArray(values...))
		}),
		field("pcrs-array-of-pairs", "the registers as an array of alternating index and value", func(b *Blueprint) {
			var items [][]byte
			for _, e := range b.PCRs {
				items = append(items, e.Key, e.Value)
			}
			b.Set("pcrs", cborArray(items...))
		}),
		field("pcrs-one-more", "pcrs announces one register too many and takes the next field, key and value, for it: the CBOR is in order", func(b *Blueprint) {
			b.editField("pcrs", func(item []byte) []byte { return append(cborHead(majorMap, 17), contentOf(item)...) })
		}),
		setField("pcrs-bytes", "pcrs", "the registers as one byte string", cborBytes(make([]byte, 16*pcr.Size))...),

		addRegister("index-32", "register 32, one beyond the last", cborInt(32)),
		addRegister("index-255", "register 255, the last of 8 bits", cborInt(255)),
		addRegister("index-256", "register 256, which is 0 in 8 bits", cborInt(256)),
		addRegister("index-2-to-the-32", "register 2^32, which is 0 in 32 bits", cborInt(1<<32)),
		addRegister("index-2-to-the-64", "register 2^64-1, which is -1 in a signed number", cborWide(majorUint, 1<<64-1)),
		addRegister("index-negative", "register -1", cborInt(-1)),
		addRegister("index-text", "register \"0\": a text", cborText("0")),
		addRegister("index-bytes", "register h'00': a byte string", cborBytes([]byte{0})),

		lastRegister("47-bytes", "a register of 47 bytes", cborBytes(make([]byte, pcr.Size-1))...),
		lastRegister("49-bytes", "a register of 49 bytes", cborBytes(make([]byte, pcr.Size+1))...),
		lastRegister("32-bytes", "a register of the size of SHA-256, in a bank of SHA-384", cborBytes(make([]byte, 32))...),
		lastRegister("64-bytes", "a register of the size of SHA-512", cborBytes(make([]byte, 64))...),
		lastRegister("empty", "a register of no bytes", cborBytes(nil)...),
		lastRegister("null", "a register that is null", cborNull),
		lastRegister("text", "a register that is a text of 48 characters", cborText(string(bytes.Repeat([]byte{'0'}, pcr.Size)))...),
		lastRegister("hex", "a register in hex", cborText(pcr.Value{}.String())...),
		lastRegister("array", "a register that is an array of 48 numbers", arrayOf(cborBytes(make([]byte, pcr.Size)))...),
		tpm,
	}
}

// kind makes a document of the wrong kind, or of both.
func kind(name, comment string, apply func(*Blueprint)) Mutation {
	return Mutation{Name: "kind-" + name, Topic: TopicDocumentKind, Reason: attestation.WrongDocumentKind, Comment: comment, Apply: apply}
}

// otherModule changes the module ID after "i-<instance>".
func otherModule(suffix string) func(*Blueprint) {
	return func(b *Blueprint) { b.SetModuleID(b.instanceID() + suffix) }
}

func kindMutations() []Mutation {
	const tpmModule = "-tpm0000000000000000"
	reverse := kind("enclave", "the document of an enclave, where one of a NitroTPM is asked for; the registers are the same", func(b *Blueprint) {
		b.field("nitrotpm_pcrs").Key = cborText("pcrs")
		otherModule("-enc0123456789abcdef")(b)
	})
	reverse.NitroTPM = true
	return []Mutation{
		kind("nitrotpm", "the document of a NitroTPM, which AWS signs for whoever owns an instance; the registers are those of the enclave", func(b *Blueprint) {
			b.field("pcrs").Key = cborText("nitrotpm_pcrs")
			otherModule(tpmModule)(b)
		}),
		reverse,
		kind("both", "registers of both kinds, the same", func(b *Blueprint) {
			b.Payload = append(b.Payload, Entry{Key: cborText("nitrotpm_pcrs"), Value: b.derived(string(cborText("pcrs")))})
		}),
		kind("registers-of-nitrotpm", "the registers are a NitroTPM's, the module an enclave", func(b *Blueprint) {
			b.field("pcrs").Key = cborText("nitrotpm_pcrs")
		}),
		kind("module-of-nitrotpm", "the module is a NitroTPM, the registers an enclave's", otherModule(tpmModule)),
		kind("module-instance-only", "the module ID is that of the instance", otherModule("")),
		kind("module-enc-short", "the enclave's ID is 15 digits long", otherModule("-enc0123456789abcde")),
		kind("module-enc-long", "the enclave's ID is 17 digits long", otherModule("-enc0123456789abcdef0")),
		kind("module-enc-upper-case", "the enclave's ID has capital digits", otherModule("-enc0123456789ABCDEF")),
		kind("module-prefix", "a letter stands before the module ID, in the document and in the leaf's name", func(b *Blueprint) {
			b.SetModuleID("x" + b.instanceID() + "-enc0123456789abcdef")
		}),
		kind("module-newline", "a newline ends the module ID, which some regular expressions overlook", otherModule("-enc0123456789abcdef\n")),
	}
}

// instanceID is the ID of the instance, as the module ID has it.
func (b *Blueprint) instanceID() string {
	id, _, _ := strings.Cut(b.module, "-enc")
	id, _, _ = strings.Cut(id, "-tpm")
	return id
}

// oidNobody is an extension of nobody's, under the arc for examples (RFC 9371
// does not reserve one; 2.999 is that of ITU-T X.660).
var oidNobody = asn1.ObjectIdentifier{2, 999, 1}

// padding is an extension that says nothing in many bytes.
func padding(n int) pkix.Extension {
	return pkix.Extension{Id: oidNobody, Value: tlv(tagOctetString, make([]byte, n))}
}

// bundleItem replaces the instance certificate's item of the bundle.
func bundleItem(name, comment string, f func(item []byte) []byte) Mutation {
	return field("cabundle-"+name, comment, func(b *Blueprint) {
		var items [][]byte
		for _, c := range b.Bundle {
			items = append(items, cborBytes(c.DER()))
		}
		last := len(items) - 1
		items[last] = f(items[last])
		b.Set("cabundle", cborArray(items...))
	})
}

func bundleMutations() []Mutation {
	return []Mutation{
		field("cabundle-empty", "no certificate in the bundle: the first of it is out of range", func(b *Blueprint) { b.Bundle = nil }),
		field("cabundle-nine", "nine certificates in the bundle", func(b *Blueprint) {
			for len(b.Bundle) < 9 {
				b.Bundle = append(b.Bundle, b.Bundle[len(b.Bundle)-1])
			}
		}),
		field("cabundle-bytes", "the bundle is one byte string", func(b *Blueprint) {
			var all []byte
			for _, c := range b.Bundle {
				all = append(all, c.DER()...)
			}
			b.Set("cabundle", cborBytes(all))
		}),
		field("cabundle-map", "the bundle is a map from position to certificate", func(b *Blueprint) {
			var items [][]byte
			for i, c := range b.Bundle {
				items = append(items, cborInt(int64(i)), cborBytes(c.DER()))
			}
			b.Set("cabundle", cborMap(true, items))
		}),
		bundleItem("item-empty", "the instance certificate is an empty string", func([]byte) []byte { return cborBytes(nil) }),
		bundleItem("item-null", "the instance certificate is null", func([]byte) []byte { return []byte{cborNull} }),
		bundleItem("item-text", "the instance certificate is a text string", func([]byte) []byte { return cborText("certificate") }),
		bundleItem("item-array", "the instance certificate is in an array of its own", func(item []byte) []byte { return cborArray(item) }),
		field("cabundle-1025-bytes", "a non-critical extension takes the instance certificate beyond 1024 bytes", func(b *Blueprint) {
			instance := b.Chain[LevelInstance]
			instance.Extensions = append(slices.Clone(instance.Extensions), padding(500))
		}),
	}
}
