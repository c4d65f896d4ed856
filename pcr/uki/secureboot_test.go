package uki_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/asn1"
	"encoding/binary"
	"math/big"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/nitroattest/nitroattest/pcr"
	"github.com/nitroattest/nitroattest/pcr/uki"
)

// Signature types of the UEFI Specification, section 32.4.1.
var (
	certX509   = []byte{0xa1, 0x59, 0xc0, 0xa5, 0xe4, 0x94, 0xa7, 0x4a, 0x87, 0xb5, 0xab, 0x15, 0x5c, 0x2b, 0xf0, 0x72}
	certSHA256 = []byte{0x26, 0x16, 0xc4, 0xc1, 0x4c, 0x50, 0x92, 0x40, 0xac, 0xa9, 0x41, 0xf9, 0x36, 0x93, 0x43, 0x28}
)

const (
	owner      = "the owner's GUID"
	otherOwner = "another's GUID, "
)

// list is an EFI_SIGNATURE_LIST with signatures of the same length.
func list(kind []byte, owner string, signatures ...string) []byte {
	each := 16 + len(signatures[0])
	b := slices.Clone(kind)
	b = binary.LittleEndian.AppendUint32(b, uint32(28+each*len(signatures)))
	b = binary.LittleEndian.AppendUint32(b, 0)
	b = binary.LittleEndian.AppendUint32(b, uint32(each))
	for _, s := range signatures {
		b = append(append(b, owner...), s...)
	}
	return b
}

// certificate returns the DER of some certificate.
func certificate(t *testing.T, serial int64) string {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	der, err := x509.CreateCertificate(rand.Reader, &x509.Certificate{SerialNumber: big.NewInt(serial)},
		&x509.Certificate{SerialNumber: big.NewInt(serial)}, key.Public(), key)
	require.NoError(t, err)
	return string(der)
}

func tlv(class, tag int, compound bool, content ...[]byte) []byte {
	b, err := asn1.Marshal(asn1.RawValue{Class: class, Tag: tag, IsCompound: compound, Bytes: bytes.Join(content, nil)})
	if err != nil {
		panic(err)
	}
	return b
}

// signedData is PKCS #7 SignedData as far as it is looked at.
func signedData(certificates ...string) []byte {
	oid, _ := asn1.Marshal(asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 7, 2})
	version, _ := asn1.Marshal(1)
	all := make([][]byte, len(certificates))
	for i, c := range certificates {
		all[i] = []byte(c)
	}
	set, sequence := tlv(0, 17, true), tlv(0, 16, true)
	return tlv(0, 16, true, oid, tlv(2, 0, true, tlv(0, 16, true, version, set, sequence, tlv(2, 0, true, all...), set)))
}

// signed is an image with signatures that come with certificates.
func signed(signatures ...[]byte) []byte {
	i := unified(magic252)
	for _, s := range signatures {
		i.certificates = append(i.certificates, winCertificate(2, s)...)
	}
	return i.bytes()
}

func withDB(db ...[]byte) uki.Options {
	return uki.Options{SecureBoot: &uki.SecureBoot{PK: list(certX509, owner, "pk"), DB: bytes.Join(db, nil)}}
}

// authorityOf returns the digest of the one authority event.
func authorityOf(t *testing.T, image *uki.Image) uki.Digest {
	t.Helper()
	last := image.Events[len(image.Events)-1]
	require.Equal(t, uki.VariableAuthority, last.Type)
	return last.Digest
}

func TestAuthorityIsTheCertificateOfTheSignature(t *testing.T) {
	a, b, c := certificate(t, 1), certificate(t, 2), certificate(t, 3)
	o := withDB(list(certX509, owner, a), list(certX509, owner, b))
	o.SecureBoot.Authority = []byte(b)
	want := authorityOf(t, mustMeasure(t, signed(), o))
	o.SecureBoot.Authority = nil
	for name, image := range map[string][]byte{
		"alone":             signed(signedData(b)),
		"with its issuer":   signed(signedData(b, c)),
		"second signature":  signed(signedData(c), signedData(b)),
		"in both":           signed(signedData(b, c), signedData(b)),
		"padded":            signed(append(signedData(b), 0, 0, 0)),
		"with another type": put(signed(signedData(a), signedData(b)), len(signed())+6, 2, 0x0ef1),
	} {
		t.Run(name, func(t *testing.T) {
			assert.Equal(t, want, authorityOf(t, mustMeasure(t, image, o)))
		})
	}
	t.Run("first of equal entries", func(t *testing.T) {
		o := withDB(list(certX509, owner, b), list(certX509, otherOwner, b))
		assert.Equal(t, want, authorityOf(t, mustMeasure(t, signed(signedData(b)), o)))
	})
	t.Run("owner is measured", func(t *testing.T) {
		o := withDB(list(certX509, otherOwner, b))
		assert.NotEqual(t, want, authorityOf(t, mustMeasure(t, signed(signedData(b)), o)))
	})
}

// An image may be allowed by its hash, which is then the authority.
func TestAuthorityCanBeAHash(t *testing.T) {
	hashes := []string{"0123456789abcdef0123456789abcdef", "fedcba9876543210fedcba9876543210"}
	o := withDB(list(certSHA256, owner, hashes...))
	requireReason(t, uki.AuthorityUnknown, signed(), o)
	o.SecureBoot.Authority = []byte(hashes[1])
	second := authorityOf(t, mustMeasure(t, signed(), o))
	o.SecureBoot.Authority = []byte(hashes[0])
	assert.NotEqual(t, second, authorityOf(t, mustMeasure(t, signed(), o)))
}

func TestAuthorityThatIsNotClearIsRefused(t *testing.T) {
	a, b, c := certificate(t, 1), certificate(t, 2), certificate(t, 3)
	o := withDB(list(certX509, owner, a), list(certX509, owner, b))
	for name, image := range map[string][]byte{
		"not signed":              signed(),
		"certificate not in db":   signed(signedData(c)),
		"no certificate":          signed(signedData()),
		"two of db in one":        signed(signedData(a, b)),
		"two of db in two":        signed(signedData(a), signedData(b)),
		"only in an ignored type": put(signed(signedData(b)), len(signed())+6, 2, 0x0ef1),
	} {
		t.Run(name, func(t *testing.T) { requireReason(t, uki.AuthorityUnknown, image, o) })
	}
	t.Run("of another type in db", func(t *testing.T) {
		requireReason(t, uki.AuthorityUnknown, signed(signedData(a)), withDB(list(certSHA256, owner, a)))
	})
	o.SecureBoot.Authority = []byte(c)
	e := requireReason(t, uki.AuthorityNotInDB, signed(signedData(a)), o)
	assert.Equal(t, "variable db", e.Where)
}

// The kernel's authority is looked for in its own signature.
func TestKernelAuthorityIsMeasuredIfItIsAnother(t *testing.T) {
	a, b := certificate(t, 1), certificate(t, 2)
	i := unified(magic252)
	i.certificates = winCertificate(2, signedData(a))
	i.parts[3].data = image{imageVersion: 1, parts: twoParts, certificates: winCertificate(2, signedData(b))}.bytes()
	o := withDB(list(certX509, owner, a), list(certX509, owner, b))
	o.Kernel = uki.KernelMeasured
	var authorities []uki.Digest
	for _, e := range mustMeasure(t, i.bytes(), o).Events {
		if e.Type == uki.VariableAuthority {
			authorities = append(authorities, e.Digest)
		}
	}
	require.Len(t, authorities, 2)
	o.Kernel = uki.KernelNotMeasured
	assert.Equal(t, authorities[0], authorityOf(t, mustMeasure(t, i.bytes(), o)))
	i.parts[3].data = kernel
	o.Kernel = uki.KernelMeasured
	e := requireReason(t, uki.AuthorityUnknown, i.bytes(), o)
	assert.Equal(t, "kernel", e.Where)
}

func TestMalformedSignaturesAreRefused(t *testing.T) {
	a := certificate(t, 1)
	o := withDB(list(certX509, owner, a))
	unsigned, good := len(signed()), signedData(a)
	mustMeasure(t, signed(good), o)
	data, _ := asn1.Marshal(asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 7, 1})
	for name, image := range map[string][]byte{
		"entry shorter than its header": put(signed(good), unsigned, 4, 7),
		"entry longer than the table":   put(signed(good), unsigned, 4, uint64(len(winCertificate(2, good))+1)),
		"bytes after the entries": func() []byte {
			i := unified(magic252)
			i.certificates = append(winCertificate(2, good), 0, 0, 0, 0)
			return i.bytes()
		}(),
		"not DER":                        signed([]byte("signature")),
		"other content than signed data": signed(tlv(0, 16, true, data, tlv(2, 0, true))),
		"bytes after the content":        signed(append(bytes.Clone(good), 1)),
		"empty signed data":              signed(tlv(0, 16, true, good[4:15], tlv(2, 0, true))),
		"certificate cut off":            signed(signedData(a[:len(a)-1])),
	} {
		t.Run(name, func(t *testing.T) {
			e := requireReason(t, uki.MalformedSignature, image, o)
			assert.GreaterOrEqual(t, e.Offset, int64(unsigned))
			// Who says what the authority is does not need the signature.
			given := withDB(list(certX509, owner, a))
			given.SecureBoot.Authority = []byte(a)
			mustMeasure(t, image, given)
			mustMeasure(t, image, uki.Options{})
		})
	}
}

func TestLargeCertificateTableIsNotRead(t *testing.T) {
	a := certificate(t, 1)
	image := signed(append(signedData(a), make([]byte, uki.MaxCertificates)...))
	requireReason(t, uki.CertificateTable, image, withDB(list(certX509, owner, a)))
	mustMeasure(t, image, uki.Options{})
}

func TestVariablesAreChecked(t *testing.T) {
	good := func() uki.Options { return uki.Options{SecureBoot: secureBoot(t)} }
	image := testdata(t, "signed.efi")
	mustMeasure(t, image, good())

	for name, change := range map[string]func(*uki.SecureBoot){
		"PK": func(s *uki.SecureBoot) { s.PK = nil },
		"db": func(s *uki.SecureBoot) { s.DB = []byte{} },
	} {
		o := good()
		change(o.SecureBoot)
		e := requireReason(t, uki.MissingVariable, image, o)
		assert.Equal(t, "variable "+name, e.Where)
	}
	for _, optional := range []func(*uki.SecureBoot){
		func(s *uki.SecureBoot) { s.KEK = nil },
		func(s *uki.SecureBoot) { s.DBX = nil },
	} {
		o := good()
		all := mustMeasure(t, image, o).Measurements[pcr.RegisterSecureBoot]
		optional(o.SecureBoot)
		assert.NotEqual(t, all, mustMeasure(t, image, o).Measurements[pcr.RegisterSecureBoot])
	}
	db := testdata(t, "db.esl")
	for name, malformed := range map[string][]byte{
		"cut off":                  db[:len(db)-1],
		"header cut off":           db[:len(db)-len(list(certX509, owner, string(testdata(t, "db.der"))))+27],
		"attributes of efivarfs":   append([]byte{7, 0, 0, 0}, db...),
		"a certificate":            testdata(t, "db.der"),
		"list without a signature": put(db, 16, 4, 28),
		"list beyond the end":      put(db, 16, 4, 0xffffffff),
		"header beyond the list":   put(db, 20, 4, 0xffffffff),
		"signature without data":   put(db, 24, 4, 16),
		"signature of no size":     put(db, 24, 4, 0),
		"signature of half a list": put(db, 24, 4, 100),
	} {
		for where, set := range map[string]func(*uki.SecureBoot){
			"variable PK":  func(s *uki.SecureBoot) { s.PK = malformed },
			"variable KEK": func(s *uki.SecureBoot) { s.KEK = malformed },
			"variable db":  func(s *uki.SecureBoot) { s.DB = malformed },
			"variable dbx": func(s *uki.SecureBoot) { s.DBX = malformed },
		} {
			t.Run(where+" "+name, func(t *testing.T) {
				o := good()
				set(o.SecureBoot)
				e := requireReason(t, uki.MalformedVariable, image, o)
				assert.Equal(t, where, e.Where)
				assert.Contains(t, e.Error(), ".esl")
			})
		}
	}
}
