// Package known recognises what is in the fields that an enclave fills as it
// likes: keys, digests and text, in the forms that are common.
//
// A form is a guess by its looks. It says nothing of who has the key or what
// was hashed.
package known

import (
	"bytes"
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/fxamacker/cbor/v2"
)

// Form is what a value looks like.
type Form struct {
	Name  string   // "RSA public key, 2048 bits (SubjectPublicKeyInfo)"
	Parts []string // what it consists of, digests in hex for example
	Text  string   // the value itself, where it is text
}

// Describe returns the form of a value, whose Name is empty when it has none
// that is known.
func Describe(value []byte) Form {
	if len(value) == 0 {
		return Form{}
	}
	for _, recognise := range []func([]byte) (Form, bool){encodedKey, pemBlock, multihashes, points, text, cborItem, bySize} {
		if form, ok := recognise(value); ok {
			return form
		}
	}
	return Form{}
}

func encodedKey(value []byte) (Form, bool) {
	if key, err := x509.ParsePKIXPublicKey(value); err == nil {
		return Form{Name: describeKey(key) + " (DER SubjectPublicKeyInfo)"}, true
	}
	if key, err := x509.ParsePKCS1PublicKey(value); err == nil {
		return Form{Name: describeKey(key) + " (DER PKCS #1)"}, true
	}
	if cert, err := x509.ParseCertificate(value); err == nil {
		return Form{Name: "X.509 certificate, " + describeKey(cert.PublicKey), Parts: []string{"subject " + cert.Subject.String()}}, true
	}
	return Form{}, false
}

func describeKey(key any) string {
	switch k := key.(type) {
	case *rsa.PublicKey:
		return fmt.Sprintf("RSA public key, %d bits", k.N.BitLen())
	case *ecdsa.PublicKey:
		return "EC public key, " + k.Curve.Params().Name
	case ed25519.PublicKey:
		return "Ed25519 public key"
	case *ecdh.PublicKey:
		return fmt.Sprintf("%v public key", k.Curve())
	}
	return "public key of an unknown algorithm"
}

func pemBlock(value []byte) (Form, bool) {
	block, _ := pem.Decode(value)
	if block == nil || !printable(value) {
		return Form{}, false
	}
	form := Form{Name: fmt.Sprintf("PEM of type %s", block.Type), Text: string(value)}
	if inner, ok := encodedKey(block.Bytes); ok {
		form.Name, form.Parts = inner.Name+", in PEM", inner.Parts
	}
	return form, true
}

// multihashes are digests with their algorithm and length before them
// (https://multiformats.io/multihash): 12 20 and a SHA-256.
func multihashes(value []byte) (Form, bool) {
	const size = 2 + 32
	if len(value)%size != 0 {
		return Form{}, false
	}
	form := Form{Name: fmt.Sprintf("%d multihashes of SHA-256", len(value)/size)}
	if len(value) == size {
		form.Name = "multihash of SHA-256"
	}
	for ; len(value) > 0; value = value[size:] {
		if value[0] != 0x12 || value[1] != 0x20 {
			return Form{}, false
		}
		form.Parts = append(form.Parts, "SHA-256 "+hex.EncodeToString(value[2:size]))
	}
	return form, true
}

// points are one or more elliptic curve points side by side (SEC 1, section
// 2.3.3).
func points(value []byte) (Form, bool) {
	for _, curve := range []struct {
		name   string
		size   int
		curve  ecdh.Curve
		params elliptic.Curve
	}{
		{"P-256", 32, ecdh.P256(), elliptic.P256()},
		{"P-384", 48, ecdh.P384(), elliptic.P384()},
		{"P-521", 66, ecdh.P521(), elliptic.P521()},
	} {
		long, short := 1+2*curve.size, 1+curve.size
		if len(value) == short && (value[0] == 2 || value[0] == 3) {
			if x, _ := elliptic.UnmarshalCompressed(curve.params, value); x != nil {
				return Form{Name: "EC point on " + curve.name + ", compressed (SEC 1)"}, true
			}
		}
		if len(value)%long != 0 {
			continue
		}
		var parts []string
		on := true
		for rest := value; len(rest) > 0; rest = rest[long:] {
			if rest[0] != 4 {
				return Form{}, false
			}
			if _, err := curve.curve.NewPublicKey(rest[:long]); err != nil {
				on = false
			}
			parts = append(parts, hex.EncodeToString(rest[:long]))
		}
		return pointsForm(curve.name, curve.size, on, parts), true
	}
	return Form{}, false
}

func pointsForm(curve string, size int, on bool, parts []string) Form {
	what, where := "EC point", "on "+curve
	if len(parts) > 1 {
		what = fmt.Sprintf("%d EC points", len(parts))
	} else {
		parts = nil // it is the value
	}
	if !on {
		where = fmt.Sprintf("with coordinates of %d bytes, not on %s", size, curve)
	}
	return Form{Name: what + " " + where + ", uncompressed (SEC 1)", Parts: parts}
}

func text(value []byte) (Form, bool) {
	if !printable(value) {
		return Form{}, false
	}
	form := Form{Name: "text", Text: string(value)}
	if trimmed := bytes.TrimSpace(value); json.Valid(trimmed) {
		switch trimmed[0] {
		case '{':
			form.Name = "JSON object"
		case '[':
			form.Name = "JSON array"
		}
	} else if _, err := hex.DecodeString(strings.TrimSpace(form.Text)); err == nil {
		form.Name = "text: hex digits"
	}
	return form, true
}

// printable takes line breaks and tabs, too.
func printable(value []byte) bool {
	return utf8.Valid(value) && bytes.IndexFunc(value, func(r rune) bool {
		return !unicode.IsPrint(r) && !strings.ContainsRune("\n\r\t", r)
	}) < 0
}

// cborItem takes one array, map or tagged item that is not tiny: any single
// byte string begins like some CBOR.
func cborItem(value []byte) (Form, bool) {
	if len(value) < 2 || cbor.Wellformed(value) != nil {
		return Form{}, false
	}
	switch value[0] >> 5 {
	case 4:
		return Form{Name: "CBOR array"}, true
	case 5:
		return Form{Name: "CBOR map"}, true
	case 6:
		return Form{Name: "CBOR item with a tag"}, true
	}
	return Form{}, false
}

func bySize(value []byte) (Form, bool) {
	allZero := len(bytes.Trim(value, "\x00")) == 0
	switch {
	case allZero:
		return Form{Name: "all zero"}, true
	case len(value) == 32:
		return Form{Name: "the size of an X25519 or Ed25519 key and of a SHA-256 digest"}, true
	case len(value) == 48:
		return Form{Name: "the size of a SHA-384 digest"}, true
	case len(value) == 64:
		return Form{Name: "the size of a SHA-512 digest and of two of SHA-256"}, true
	}
	return Form{}, false
}
