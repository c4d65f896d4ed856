package attestationtest_test

import (
	"bytes"
	"crypto/sha1"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/binary"
	"encoding/hex"
	"math/big"
	"regexp"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/nitroattest/nitroattest/attestation/attestationtest"
)

// rawCertificate is a certificate with its parts left in DER (RFC 5280,
// section 4.1).
type rawCertificate struct {
	TBS struct {
		Version    int `asn1:"explicit,tag:0"`
		Serial     *big.Int
		Algorithm  asn1.RawValue
		Issuer     asn1.RawValue
		Validity   struct{ NotBefore, NotAfter asn1.RawValue }
		Subject    asn1.RawValue
		PublicKey  struct{ Algorithm, Key asn1.RawValue }
		Extensions []pkix.Extension `asn1:"explicit,tag:3"`
	}
	Algorithm asn1.RawValue
	Signature asn1.BitString
}

// profile is what two certificates of one level have in common.
type profile struct {
	Version             int
	Algorithm, Outer    string // DER
	Issuer, Subject     string // DER, its length and what is random taken out
	TimeTags            [2]int
	KeyAlgorithm        string
	KeyLength           int
	Extensions          []extension
	SerialBytesAtMost20 bool
}

type extension struct {
	ID       string
	Critical bool
	Value    string
}

var (
	randomName = regexp.MustCompile(`^[0-9a-f]{1,16}\.`)
	randomUUID = regexp.MustCompile(`[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\.crl$`)
)

func readRaw(t *testing.T, der []byte) rawCertificate {
	t.Helper()
	var c rawCertificate
	rest, err := asn1.Unmarshal(der, &c)
	require.NoError(t, err)
	require.Empty(t, rest)
	return c
}

func profileOf(t *testing.T, der []byte) profile {
	t.Helper()
	c := readRaw(t, der)
	p := profile{
		Version:             c.TBS.Version + 1,
		Algorithm:           hex.EncodeToString(c.TBS.Algorithm.FullBytes),
		Outer:               hex.EncodeToString(c.Algorithm.FullBytes),
		Issuer:              nameOf(t, c.TBS.Issuer.FullBytes),
		Subject:             nameOf(t, c.TBS.Subject.FullBytes),
		TimeTags:            [2]int{c.TBS.Validity.NotBefore.Tag, c.TBS.Validity.NotAfter.Tag},
		KeyAlgorithm:        hex.EncodeToString(c.TBS.PublicKey.Algorithm.FullBytes),
		KeyLength:           len(c.TBS.PublicKey.Key.Bytes),
		SerialBytesAtMost20: c.TBS.Serial.Sign() > 0 && c.TBS.Serial.BitLen() <= 160,
	}
	for _, e := range c.TBS.Extensions {
		p.Extensions = append(p.Extensions, extension{e.Id.String(), e.Critical, valueOf(e)})
	}
	return p
}

// nameOf lists the attributes in their order with their string types.
func nameOf(t *testing.T, der []byte) string {
	t.Helper()
	var rdns []asn1.RawValue
	_, err := asn1.Unmarshal(der, &rdns)
	require.NoError(t, err)
	var out bytes.Buffer
	for _, rdn := range rdns {
		var attribute struct {
			ID    asn1.ObjectIdentifier
			Value asn1.RawValue
		}
		rest, err := asn1.Unmarshal(rdn.Bytes, &attribute)
		require.NoError(t, err)
		require.Empty(t, rest, "one attribute for each relative name")
		text := randomName.ReplaceAllString(string(attribute.Value.Bytes), "<hex>.")
		out.WriteString(attribute.ID.String() + ":" + string(rune('0'+attribute.Value.Tag)) + ":" + text + "/")
	}
	return out.String()
}

// valueOf takes out what is random: key identifiers and the end of URLs. The
// host of URLs differs on purpose, at the same length.
func valueOf(e pkix.Extension) string {
	switch e.Id.String() {
	case "2.5.29.14":
		return hex.EncodeToString(e.Value[:2]) + "<20 bytes>"
	case "2.5.29.35":
		return hex.EncodeToString(e.Value[:4]) + "<20 bytes>"
	case "2.5.29.31":
		url := bytes.Replace(e.Value, []byte("nitro.invalid"), []byte("amazonaws.com"), 1)
		return hex.EncodeToString(randomUUID.ReplaceAll(url, []byte("<uuid>.crl")))
	default:
		return hex.EncodeToString(e.Value)
	}
}

func hasIdentifiers(t *testing.T, der []byte) bool {
	t.Helper()
	return slices.ContainsFunc(readRaw(t, der).TBS.Extensions, func(e pkix.Extension) bool { return e.Id.String() == "2.5.29.14" })
}

// simulated returns the chain that stands in for a recorded one, root first.
func simulated(t *testing.T, r recorded) [][]byte {
	t.Helper()
	h, request := r.hypervisor()
	b := h.Blueprint(request)
	if instance := b.Chain[attestationtest.LevelInstance]; !hasIdentifiers(t, r.CABundle[attestationtest.LevelInstance]) {
		instance.Extensions = instance.Extensions[:2]
	}
	var chain [][]byte
	for _, c := range b.Chain {
		chain = append(chain, c.DER())
	}
	return chain
}

func TestCertificatesHaveTheProfileOfAWS(t *testing.T) {
	t.Parallel()
	sizes := map[int][]int{}
	for _, r := range loadRecorded(t) {
		for level, der := range simulated(t, r) {
			genuine := r.chain()[level]
			assert.Equal(t, profileOf(t, genuine), profileOf(t, der), "%s: %s", r.name, attestationtest.Level(level))
			// Serial numbers, names and signatures vary by a few bytes.
			assert.InDelta(t, len(genuine), len(der), 7, "%s: %s", r.name, attestationtest.Level(level))
			sizes[level] = append(sizes[level], len(readRaw(t, der).TBS.Serial.Bytes()))
		}
	}
	for level, want := range []int{16, 16, 16, 20, 16} {
		assert.Equal(t, want, slices.Max(sizes[level]), "bytes of serial number: %s", attestationtest.Level(level))
	}
}

func TestCertificatesLiveAsLongAsThoseOfAWS(t *testing.T) {
	t.Parallel()
	lives := func(chain [][]byte) (lives [5]time.Duration) {
		for level, der := range chain {
			c, err := x509.ParseCertificate(der)
			require.NoError(t, err)
			lives[level] = c.NotAfter.Sub(c.NotBefore)
		}
		return lives
	}
	for _, r := range loadRecorded(t) {
		genuine, ours := lives(r.chain()), lives(simulated(t, r))
		assert.Equal(t, genuine[attestationtest.LevelRoot], ours[attestationtest.LevelRoot])
		// Some of AWS's periods are a second short.
		assert.InDelta(t, genuine[attestationtest.LevelRegional], ours[attestationtest.LevelRegional], float64(time.Second))
		for _, lives := range [][5]time.Duration{genuine, ours} {
			assert.GreaterOrEqual(t, lives[attestationtest.LevelZonal], 133*time.Hour-time.Second)
			assert.LessOrEqual(t, lives[attestationtest.LevelZonal], 144*time.Hour)
		}
		assert.Equal(t, genuine[attestationtest.LevelInstance], ours[attestationtest.LevelInstance])
		if r.Document.Timestamp.Year() >= 2022 { // before, leaves had no three seconds of grace
			assert.Equal(t, genuine[attestationtest.LevelLeaf], ours[attestationtest.LevelLeaf])
		}
	}
}

// The leaf's serial number is the enclave's number and the second of the
// request, three seconds after notBefore, in genuine leaves too.
func TestLeafSerialNumber(t *testing.T) {
	t.Parallel()
	for _, r := range loadRecorded(t) {
		if r.Document.Timestamp.Year() < 2022 {
			continue
		}
		for what, der := range map[string][]byte{"genuine": r.Certificate, "simulated": simulated(t, r)[attestationtest.LevelLeaf]} {
			leaf, err := x509.ParseCertificate(der)
			require.NoError(t, err)
			serial := leaf.SerialNumber.FillBytes(make([]byte, 16)) // of a NitroTPM, the first 8 are zero
			assert.Contains(t, r.Document.ModuleID, hex.EncodeToString(serial[:8]), what)
			assert.Equal(t, leaf.NotBefore.Unix()+3, int64(binary.BigEndian.Uint64(serial[8:])), what)
		}
	}
}

func TestKeyIdentifiersAreSHA1OfTheKey(t *testing.T) {
	t.Parallel()
	var issuer *x509.Certificate
	for level, c := range seeded().Blueprint(attestationtest.Request{}).Chain[:attestationtest.LevelLeaf] {
		cert, err := c.X509()
		require.NoError(t, err)
		point, err := c.Key.PublicKey.Bytes()
		require.NoError(t, err)
		var sum [sha1.Size]byte
		withoutFIPS(func() { sum = sha1.Sum(point) }) // a name, not a safeguard
		assert.Equal(t, sum[:], cert.SubjectKeyId, attestationtest.Level(level))
		if issuer != nil {
			assert.Equal(t, issuer.SubjectKeyId, cert.AuthorityKeyId, attestationtest.Level(level))
		}
		issuer = cert
	}
}
