package attestationtest

import (
	"crypto/x509/pkix"
	"encoding/asn1"
	"slices"
)

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
