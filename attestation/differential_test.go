package attestation_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/sha512"
	"crypto/x509"
	"errors"
	"math/big"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/fxamacker/cbor/v2"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/nitroattest/nitroattest/attestation"
	"github.com/nitroattest/nitroattest/internal/vectors"
)

var readVectors = sync.OnceValues(func() (*vectors.File, error) { return vectors.Read("../testdata/vectors/vectors.json") })

func loadVectors(t testing.TB) *vectors.File {
	t.Helper()
	f, err := readVectors()
	require.NoError(t, err)
	return f
}

// plainVerify is a verifier of another make: crypto/x509 looks for a path from
// the leaf through whatever the bundle holds to the root, and ECDSA is checked
// over a Sig_structure that is put together by hand. It knows nothing of the
// rules that are peculiar to AWS's chains, except for the curve.
func plainVerify(evidence []byte, root *x509.Certificate, at time.Time) error {
	var parts struct {
		_           struct{} `cbor:",toarray"`
		Protected   []byte
		Unprotected map[any]any
		Payload     []byte
		Signature   []byte
	}
	if err := cbor.Unmarshal(evidence, &parts); err != nil {
		return err
	}
	var payload struct {
		Certificate []byte   `cbor:"certificate"`
		CABundle    [][]byte `cbor:"cabundle"`
	}
	if err := cbor.Unmarshal(parts.Payload, &payload); err != nil {
		return err
	}
	leaf, err := x509.ParseCertificate(payload.Certificate)
	if err != nil {
		return err
	}
	options := x509.VerifyOptions{
		Roots: x509.NewCertPool(), Intermediates: x509.NewCertPool(), CurrentTime: at,
		KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageAny},
	}
	options.Roots.AddCert(root)
	for _, der := range payload.CABundle {
		certificate, err := x509.ParseCertificate(der)
		if err != nil {
			return err
		}
		options.Intermediates.AddCert(certificate)
	}
	paths, err := leaf.Verify(options)
	if err != nil {
		return err
	}
	for _, certificate := range paths[0] {
		if key, ok := certificate.PublicKey.(*ecdsa.PublicKey); !ok || key.Curve != elliptic.P384() {
			return errors.New("a key is not of P-384")
		}
	}
	return plainSignature(parts.Protected, parts.Payload, parts.Signature, leaf.PublicKey.(*ecdsa.PublicKey))
}

func plainSignature(protected, payload, signature []byte, key *ecdsa.PublicKey) error {
	signed, err := cbor.Marshal([]any{"Signature1", protected, []byte{}, payload})
	if err != nil {
		return err
	}
	digest := sha512.Sum384(signed)
	half := len(signature) / 2
	r, s := new(big.Int).SetBytes(signature[:half]), new(big.Int).SetBytes(signature[half:])
	if !ecdsa.Verify(key, digest[:], r, s) {
		return errors.New("the signature does not verify")
	}
	return nil
}

// Why the walk refuses what crypto/x509 accepts.
const (
	trustsName = "x509 trusts a key under a name, and finds the pinned root without what the bundle brings; the walk asks for the pinned bytes at the beginning of the bundle"
	takesSet   = "x509 takes the bundle as a set in which it looks for a path; the walk takes it in its order and leaves nothing over"
	takesHash  = "x509 accepts every hash that is not broken, and parameters where RFC 5758 has none; AWS's chains are ecdsa-with-SHA384 throughout"
	leavesLeaf = "x509 leaves the purpose of the leaf to its caller"
	knowsNot   = "x509 knows nothing of the module that the leaf was issued for"
)

// stricter are the chains that the walk refuses and crypto/x509 accepts, by
// the beginning of the vector's name.
var stricter = map[string]string{
	"root-renewed":            trustsName,
	"root-other-signature":    trustsName,
	"root-missing":            trustsName,
	"root-last":               takesSet,
	"root-after-leaf":         takesSet,
	"bundle-repeats-":         takesSet,
	"bundle-regional-zonal":   takesSet,
	"bundle-zonal-instance":   takesSet,
	"bundle-reversed":         takesSet,
	"bundle-leaf-at-end":      takesSet,
	"bundle-root-at-end":      takesSet,
	"bundle-unused":           takesSet,
	"bundle-foreign":          takesSet,
	"chain-sha256-":           takesHash,
	"chain-sha512-":           takesHash,
	"chain-null-parameters-":  takesHash,
	"chain-der-":              "x509 passes over what it does not look for, and reads some forms that are not DER",
	"chain-version-":          "x509 does not ask for a version; AWS's certificates are of version 3",
	"chain-no-key-usage-":     "x509 takes a certificate without key usage for one of every usage",
	"chain-no-digital-":       leavesLeaf,
	"chain-empty-key-usage-":  leavesLeaf,
	"chain-ca-leaf":           leavesLeaf,
	"chain-instance-signs":    leavesLeaf,
	"chain-server-auth-":      "x509 evaluates extended key usages, and was asked for any; the walk evaluates none, and so accepts none",
	"chain-name-constraints-": "x509 evaluates name constraints, which these satisfy; the walk evaluates none, and so accepts none",
	"module-id-":              knowsNot,
	"leaf-name-":              knowsNot,
}

// tolerated is the beginning of the leaf's validity where that is at most a minute
// away: crypto/x509 knows no tolerance for clocks that are slow.
func tolerated(t *testing.T, evidence []byte, now time.Time) time.Time {
	t.Helper()
	u, err := attestation.ParseUnverified(evidence)
	require.NoError(t, err)
	leaf, err := x509.ParseCertificate(u.Certificate)
	require.NoError(t, err)
	if ahead := leaf.NotBefore.Sub(now); ahead > 0 && ahead <= attestation.DefaultClockSkew {
		return leaf.NotBefore
	}
	return now
}

func familyOf(name string) string {
	best := ""
	for prefix := range stricter {
		if strings.HasPrefix(name, prefix) && len(prefix) > len(best) {
			best = prefix
		}
	}
	return best
}

// Nothing that this library takes for authentic is refused by a verifier of
// another make, and where it is stricter the table above says why.
func TestNoLaxerThanX509(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("a long table on one goroutine")
	}
	f := loadVectors(t)
	used, accepted, refused := map[string]bool{}, 0, 0
	for _, group := range f.TestGroups {
		if group.Type != vectors.Documents {
			continue
		}
		for _, test := range group.Tests {
			if test.Config.Revocation != nil { // x509 knows no revocation
				continue
			}
			var now time.Time
			config, err := f.VerifierConfig(test.Config, &now)
			require.NoError(t, err)
			now, err = time.Parse(time.RFC3339, test.Time)
			require.NoError(t, err)
			expect, err := test.Expectation.Expect()
			require.NoError(t, err)
			root, err := f.Root(test.Config.Root)
			require.NoError(t, err)

			report := newVerifier(t, config).Appraise(test.Evidence, expect)
			if report.Authentic() {
				accepted++
				assert.NoError(t, plainVerify(test.Evidence, root, tolerated(t, test.Evidence, now)), "%s: this library accepts what another refuses", test.Name)
				continue
			}
			refused++
			switch attestation.Reason(test.Reason) {
			case attestation.UntrustedRoot, attestation.InvalidChain, attestation.CertificateExpired, attestation.CertificateNotYetValid, attestation.BadSignature:
				if plainVerify(test.Evidence, root, now) == nil {
					family := familyOf(test.Name)
					assert.NotEmpty(t, family, "%s: refused, and not by another verifier: why?", test.Name)
					used[family] = true
				}
			}
		}
	}
	for family := range stricter {
		assert.True(t, used[family], "%s: no vector shows the difference", family)
	}
	t.Logf("%d documents authentic by both, %d refused", accepted, refused)
	assert.Greater(t, accepted, 150)
	assert.Greater(t, refused, 500)
}
