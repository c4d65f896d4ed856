package attestationtest

import (
	"bytes"

	"github.com/nitroattest/nitroattest/pcr"
)

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
