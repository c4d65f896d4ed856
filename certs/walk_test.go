package certs_test

import (
	"crypto/x509"
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/nitroattest/nitroattest/attestation"
	"github.com/nitroattest/nitroattest/attestation/attestationtest"
	"github.com/nitroattest/nitroattest/certs"
	"github.com/nitroattest/nitroattest/internal/hostile"
)

func TestRecordedChains(t *testing.T) {
	v, count := counting(t, certs.AWSNitroRootG1(), 0)
	for _, r := range recordedChains(t) {
		count.Store(0)
		chain, err := v.Verify(r.chain, r.at)
		require.NoError(t, err, r.file)
		require.Len(t, chain, 5)
		assert.Equal(t, r.chain.Leaf, chain[0].Raw)
		for i, der := range r.chain.Bundle {
			assert.Equal(t, der, chain[4-i].Raw)
		}
		assert.EqualValues(t, 4, count.Load(), "one signature for each certificate below the root")
		assert.Zero(t, certs.CachedCertificates(v))
	}
}

// reasonOf names the reason of each mutation of a chain by the beginning of
// its name.
var reasonOf = map[string]certs.Reason{
	"root-look-alike-below-pinned": certs.Signature, "root-path-length": certs.PathLength,
	"root-expired": certs.Expired, "root-not-yet-valid": certs.NotYetValid, "root-": certs.PinnedRoot,

	"bundle-lacks": certs.IssuerName, "bundle-repeats": certs.IssuerName, "bundle-regional": certs.IssuerName, "bundle-zonal": certs.IssuerName,
	"bundle-reversed": certs.IssuerName, "bundle-root-only": certs.IssuerName, "bundle-leaf-at-end": certs.BasicConstraints, "bundle-repeats-root": certs.Repeated,
	"bundle-root-at-end": certs.IssuerName, "bundle-unused": certs.IssuerName, "bundle-foreign": certs.IssuerName, "bundle-other-zone": certs.IssuerName,

	"chain-sha256": certs.SignatureAlgorithm, "chain-sha512": certs.SignatureAlgorithm, "chain-outer": certs.Encoding, "chain-inner": certs.Encoding,
	"chain-null-parameters": certs.SignatureAlgorithm, "chain-der-": certs.Encoding, "chain-der-surplus-in-key": certs.PublicKey, "chain-p256": certs.PublicKey, "chain-p521": certs.Encoding, "chain-p521-key-leaf": certs.PublicKey, // what a P-521 key signs is too long
	"chain-rsa":     certs.PublicKey,
	"chain-ed25519": certs.PublicKey, "chain-compressed": certs.Encoding, "chain-point": certs.Encoding, "chain-explicit": certs.Encoding, "chain-no-curve": certs.Encoding,
	"chain-trailing": certs.Encoding, "chain-cut": certs.Encoding, "chain-long": certs.Encoding, "chain-indefinite": certs.Encoding, "chain-other": certs.Encoding,
	"chain-empty-sequence": certs.Encoding, "chain-pem": certs.Encoding, "chain-version": certs.Version, "chain-version-4": certs.Encoding, "chain-negative": certs.Encoding,

	"chain-issuer": certs.IssuerName, "chain-foreign": certs.Signature, "chain-self": certs.Signature, "chain-changed": certs.Signature,
	"chain-signature": certs.Signature, "chain-grandparent": certs.Signature,

	"chain-expired": certs.Expired, "chain-not-yet-valid": certs.NotYetValid, "chain-validity": certs.Expired,

	"chain-no-basic": certs.BasicConstraints, "chain-not-ca": certs.BasicConstraints, "chain-path": certs.PathLength, "chain-ca-leaf": certs.BasicConstraints,
	"chain-leaf-issues": certs.BasicConstraints, "chain-instance-issues": certs.PathLength, "chain-zonal-issues": certs.PathLength, "chain-instance-signs": certs.BasicConstraints,
	"chain-no-key-usage": certs.KeyUsage, "chain-no-cert-sign": certs.KeyUsage, "chain-leaf-usage": certs.KeyUsage, "chain-no-digital": certs.KeyUsage,
	"chain-empty-key": certs.KeyUsage, "chain-unknown": certs.Extension, "chain-name": certs.Extension, "chain-server": certs.Extension, "chain-duplicate": certs.Encoding,

	"module-id": certs.LeafName, "leaf-name": certs.LeafName,
}

func reasonFor(name string) certs.Reason {
	best, rule := "", certs.Reason("")
	for prefix, r := range reasonOf {
		if strings.HasPrefix(name, prefix) && len(prefix) > len(best) {
			best, rule = prefix, r
		}
	}
	return rule
}

// ofChain reports whether a mutation is of the chain and not of the document.
func ofChain(topic attestationtest.Topic) bool {
	switch topic {
	case attestationtest.TopicPinnedRoot, attestationtest.TopicBundleOrder, attestationtest.TopicCertificateProfile,
		attestationtest.TopicNamesAndSignatures, attestationtest.TopicValidity, attestationtest.TopicConstraints,
		attestationtest.TopicLeafName:
		return true
	}
	return false
}

// Every broken chain is refused for the reason that it should be, at a cost that is bounded
// by its length; what is refused for anything but a signature costs none.
func TestMutatedChains(t *testing.T) {
	if testing.Short() {
		t.Skip("a long table on one goroutine")
	}
	h := simulated()
	for _, m := range attestationtest.Mutations() {
		if !ofChain(m.Topic) {
			continue
		}
		t.Run(m.Name, func(t *testing.T) {
			c := h.Case(m)
			roots, err := certs.NewRoots(c.Root)
			require.NoError(t, err)
			v, count := counting(t, roots, 100)
			original, _ := chainOf(t, c.Original)
			chain, _ := chainOf(t, c.Document)
			broken, err := v.Verify(chain, c.Now)
			fault := requireReason(t, reasonFor(m.Name), err)
			assert.Nil(t, broken)
			assert.LessOrEqual(t, fault.Position, len(chain.Bundle))
			assert.Regexp(t, "^"+string(fault.Reason)+": certificate [0-9]", err.Error())
			assert.NotEmpty(t, fault.Detail)
			if fault.Reason == certs.Signature {
				assert.LessOrEqual(t, count.Load(), int64(len(chain.Bundle)))
			} else {
				assert.Zero(t, count.Load(), "no signature is verified in vain")
			}
			remembered := 0
			if fault.Reason == certs.Signature {
				remembered = fault.Position - 1
			}
			assert.Equal(t, remembered, certs.CachedCertificates(v), "what was verified is remembered, and no more")
			if m.TrustsRoot {
				return
			}
			// With the genuine chain remembered, it is refused the same way.
			_, err = v.Verify(original, c.Now)
			require.NoError(t, err)
			_, err = v.Verify(chain, c.Now)
			again := requireReason(t, reasonFor(m.Name), err)
			assert.Equal(t, fault.Error(), again.Error())
		})
	}
}

func TestBundleSizes(t *testing.T) {
	chain, _ := chainOf(t, simulated().Attest(attestationtest.Request{}))
	v, count := counting(t, simulated().Roots(), 0)
	for name, test := range map[string]struct {
		edit     func(c *certs.Chain)
		position int
		text     string
	}{
		"no bundle":         {func(c *certs.Chain) { c.Bundle = nil }, 0, "found 0 certificates, expected 1 to 8"},
		"nine":              {func(c *certs.Chain) { c.Bundle = make([][]byte, 9) }, 0, "found 9 certificates"},
		"empty root":        {func(c *certs.Chain) { c.Bundle[0] = nil }, 0, "found 0 bytes"},
		"empty certificate": {func(c *certs.Chain) { c.Bundle[2] = []byte{} }, 2, "found 0 bytes, expected 1 to 1024"},
		"large certificate": {func(c *certs.Chain) { c.Bundle[3] = make([]byte, 1025) }, 3, "found 1025 bytes"},
		"no leaf":           {func(c *certs.Chain) { c.Leaf = nil }, 4, "found 0 bytes"},
		"large leaf":        {func(c *certs.Chain) { c.Leaf = make([]byte, 1025) }, 4, "found 1025 bytes"},
	} {
		broken := clone(chain)
		test.edit(&broken)
		got, err := v.Verify(broken, someTime)
		fault := requireReason(t, certs.BundleLength, err)
		assert.Nil(t, got)
		assert.Equal(t, test.position, fault.Position, name)
		assert.Contains(t, fault.Detail, test.text, name)
	}
	assert.Zero(t, count.Load())
	_, err := v.Verify(chain, someTime)
	require.NoError(t, err)
}

// Both ends of the period are in it, for the certificate of each level.
func TestValidityIncludesBothEnds(t *testing.T) {
	v, count := counting(t, certs.AWSNitroRootG1(), 100)
	r := recordedChains(t)[0]
	chain, err := v.Verify(r.chain, r.at)
	require.NoError(t, err)
	leaf := chain[0]
	for at, rule := range map[time.Time]certs.Reason{
		leaf.NotBefore: "", leaf.NotAfter: "",
		leaf.NotBefore.Add(-time.Nanosecond): certs.NotYetValid, leaf.NotAfter.Add(time.Nanosecond): certs.Expired,
	} {
		count.Store(0)
		_, err := v.Verify(r.chain, at)
		if rule == "" {
			require.NoError(t, err)
		} else {
			requireReason(t, rule, err)
		}
		assert.Zero(t, count.Load(), "the chain is known, and its dates are looked at all the same")
	}
}

// A root with the names, dates and key identifier of the pinned one is none.
func TestLookAlikeRoot(t *testing.T) {
	h := simulated()
	v, count := counting(t, h.Roots(), 0)
	b := h.Blueprint(attestationtest.Request{})
	b.Chain[attestationtest.LevelRoot].Key = b.NewKey("look-alike")
	chain, _ := chainOf(t, b.Document())
	_, err := v.Verify(chain, someTime)
	fault := requireReason(t, certs.PinnedRoot, err)
	assert.Equal(t, "CN=aws.nitro-enclaves,OU=AWS,O=Amazon,C=US", fault.Subject, "and it has the name of AWS's")
	assert.Zero(t, count.Load())

	aws, count := counting(t, certs.AWSNitroRootG1(), 0)
	chain, _ = chainOf(t, h.Attest(attestationtest.Request{}))
	_, err = aws.Verify(chain, someTime)
	requireReason(t, certs.PinnedRoot, err)
	chain.Bundle[0] = []byte("no certificate at all")
	_, err = aws.Verify(chain, someTime)
	assert.Empty(t, requireReason(t, certs.PinnedRoot, err).Subject)
	assert.Zero(t, count.Load())
}

// A root that stands twice in a chain stays what it is with the other of its
// two signatures: the chain would have as many forms as there is room for.
func TestRootTwiceInTwoEncodings(t *testing.T) {
	v, count := counting(t, simulated().Roots(), 100)
	chain, _ := chainOf(t, simulated().Attest(attestationtest.Request{}))
	for name, twin := range map[string][]byte{"the same bytes": chain.Bundle[0], "the other signature": negated(chain.Bundle[0])} {
		twice := clone(chain)
		twice.Bundle = append([][]byte{chain.Bundle[0], twin}, twice.Bundle[1:]...)
		_, err := v.Verify(twice, someTime)
		assert.Equal(t, 1, requireReason(t, certs.Repeated, err).Position, name)
	}
	assert.Zero(t, count.Load())
}

// No document costs more signatures than it says, chain and document together.
func TestHostileDocumentsCostFewSignatures(t *testing.T) {
	attester, err := attestation.NewVerifier(hostile.Config())
	require.NoError(t, err)
	v, count := counting(t, hostile.Roots(), 0)
	for _, d := range hostile.Documents() {
		count.Store(0)
		total := int64(0)
		report := attester.Appraise(d.Evidence, hostile.Expect)
		if u, err := attestation.ParseUnverified(d.Evidence); err == nil {
			_, _ = v.Verify(certs.Chain{Bundle: u.CABundle, Leaf: u.Certificate, ModuleID: u.Document.ModuleID}, hostile.Now)
			total = count.Load()
			assert.LessOrEqual(t, total, int64(len(u.CABundle)), d.Name)
		}
		for _, check := range report.Checks {
			if check.Name == "signature" && (check.Status == attestation.Pass || check.Status == attestation.Fail) {
				total++ // that of the document itself
			}
		}
		assert.EqualValues(t, d.Signatures, total, "%s: %s", d.Name, d.Comment)
	}
}

// reasons returns every constant of type Reason.
func reasons(t *testing.T) []certs.Reason {
	file, err := parser.ParseFile(token.NewFileSet(), "error.go", nil, 0)
	require.NoError(t, err)
	var out []certs.Reason
	ast.Inspect(file, func(n ast.Node) bool {
		if spec, ok := n.(*ast.ValueSpec); ok && len(spec.Values) == 1 {
			if name, ok := spec.Type.(*ast.Ident); ok && name.Name == "Reason" {
				value, err := strconv.Unquote(spec.Values[0].(*ast.BasicLit).Value)
				require.NoError(t, err)
				out = append(out, certs.Reason(value))
			}
		}
		return true
	})
	require.GreaterOrEqual(t, len(out), 18)
	return out
}

// Every reason is the text of its error, and has a test that reaches it.
func TestEveryReason(t *testing.T) {
	reached := map[certs.Reason]bool{
		certs.BundleLength:      true, // TestBundleSizes
		certs.Revoked:           true, // TestRevocationLists
		certs.RevocationUnknown: true,
		certs.MalformedList:     true, // TestListsThatCannotBeUsed
		certs.UnsupportedList:   true,
		certs.LargeList:         true, // TestLargeLists
		certs.OlderList:         true, // TestRollback
		certs.ForeignList:       true, // TestUpdate
	}
	for _, m := range attestationtest.Mutations() {
		if ofChain(m.Topic) {
			reached[reasonFor(m.Name)] = true
		}
	}
	for _, reason := range reasons(t) {
		assert.True(t, reached[reason], reason)
		assert.Equal(t, string(reason), reason.Error())
		assert.Regexp(t, "^[a-z]+(-[a-z]+)*$", reason)
	}
}

// Errors begin with the reason, then say where, what and why.
func TestErrorText(t *testing.T) {
	cause := errors.New("the cause")
	for want, fault := range map[string]*certs.Error{
		`expired: certificate 4 ("CN=x"): detail`:         {Reason: certs.Expired, Position: 4, Subject: "CN=x", Detail: "detail"},
		`encoding: certificate 0: detail: the cause`:      {Reason: certs.Encoding, Detail: "detail", Err: cause},
		`signature: certificate 1 ("a\"b"): d: the cause`: {Reason: certs.Signature, Position: 1, Subject: `a"b`, Detail: "d", Err: cause},
	} {
		assert.EqualError(t, fault, want)
		assert.ErrorIs(t, fault, fault.Reason)
		assert.Equal(t, fault.Err != nil, errors.Is(fault, cause))
	}
}

// A clock that is slow sees a fresh leaf as one of the future. The tolerance is
// for the beginning of the leaf and for nothing else.
func TestClockSkew(t *testing.T) {
	const skew = 10 * time.Second
	v, err := certs.NewVerifier(simulated().Roots(), certs.Config{ClockSkew: skew, CachedCertificates: 10})
	require.NoError(t, err)
	with := func(level attestationtest.Level, notBefore, notAfter time.Time) certs.Chain {
		b := simulated().Blueprint(attestationtest.Request{})
		b.Chain[level].NotBefore, b.Chain[level].NotAfter = notBefore, notAfter
		chain, _ := chainOf(t, b.Document())
		return chain
	}
	early, late := someTime.Add(-time.Hour), someTime.Add(time.Hour)
	for range 2 { // the second time from the cache
		for level := attestationtest.LevelRegional; level <= attestationtest.LevelLeaf; level++ {
			for _, test := range []struct {
				chain  certs.Chain
				reason certs.Reason
				text   string
			}{
				{with(level, someTime, late), "", ""},
				{with(level, someTime.Add(time.Second), late), certs.NotYetValid, "the verification time is 2026-01-15T12:00:00Z"},
				{with(level, someTime.Add(skew), late), certs.NotYetValid, "the verification time is 2026-01-15T12:00:00Z"},
				{with(level, someTime.Add(skew+time.Second), late), certs.NotYetValid, "the verification time is 2026-01-15T12:00:00Z"},
				{with(level, early, someTime.Add(-time.Second)), certs.Expired, "it expired on"},
			} {
				_, err := v.Verify(test.chain, someTime)
				if level == attestationtest.LevelLeaf && test.reason == certs.NotYetValid {
					leaf, parseErr := x509.ParseCertificate(test.chain.Leaf)
					require.NoError(t, parseErr)
					if !leaf.NotBefore.After(someTime.Add(skew)) {
						require.NoError(t, err, "within the skew")
						continue
					}
					test.text += ", and at most 10s before is tolerated"
				}
				if test.reason == "" {
					require.NoError(t, err)
					continue
				}
				fault := requireReason(t, test.reason, err)
				assert.Equal(t, int(level), fault.Position)
				assert.Contains(t, fault.Detail, test.text)
				assert.Equal(t, level == attestationtest.LevelLeaf && test.reason == certs.NotYetValid, strings.Contains(fault.Detail, "tolerated"))
			}
		}
	}
}

// To the nanosecond: no tolerance reaches an authority, at either end.
func TestNoClockSkewForAuthorities(t *testing.T) {
	t.Parallel()
	v, err := certs.NewVerifier(simulated().Roots(), certs.Config{ClockSkew: time.Hour})
	require.NoError(t, err)
	begin, end := someTime.Add(-time.Minute), someTime.Add(time.Minute)
	for level := attestationtest.LevelRegional; level <= attestationtest.LevelInstance; level++ {
		b := simulated().Blueprint(attestationtest.Request{})
		b.Chain[level].NotBefore, b.Chain[level].NotAfter = begin, end
		chain, _ := chainOf(t, b.Document())
		for at, reason := range map[time.Time]certs.Reason{
			begin: "", end: "", begin.Add(-time.Nanosecond): certs.NotYetValid, end.Add(time.Nanosecond): certs.Expired,
		} {
			_, err := v.Verify(chain, at)
			if reason == "" {
				require.NoError(t, err)
				continue
			}
			assert.Equal(t, int(level), requireReason(t, reason, err).Position)
		}
	}
}

// Of the recorded documents, many were made within seconds of their leaf: a clock
// that is slow by five seconds would have refused them.
func TestClockSkewOfRecordedChains(t *testing.T) {
	strict, _ := counting(t, certs.AWSNitroRootG1(), 0)
	tolerant, err := certs.NewVerifier(certs.AWSNitroRootG1(), certs.Config{ClockSkew: 10 * time.Second})
	require.NoError(t, err)
	young := 0
	for _, r := range recordedChains(t) {
		slow := r.at.Add(-5 * time.Second)
		if _, err := strict.Verify(r.chain, slow); err != nil {
			requireReason(t, certs.NotYetValid, err)
			young++
		}
		_, err := tolerant.Verify(r.chain, slow)
		require.NoError(t, err, r.file)
	}
	assert.Greater(t, young, 10)
}

// The text begins with the reason, and nothing but the reason and a cause that
// there is is unwrapped.
func TestErrorUnwrapsToReasonAndCause(t *testing.T) {
	t.Parallel()
	cause := errors.New("cause")
	for _, err := range []interface {
		error
		Unwrap() []error
	}{&certs.Error{Reason: certs.Expired, Detail: "detail"}, &certs.ListError{Reason: certs.Expired, Detail: "detail"}} {
		assert.Equal(t, []error{certs.Expired}, err.Unwrap())
		assert.True(t, strings.HasPrefix(err.Error(), string(certs.Expired)+": "), err.Error())
	}
	for _, err := range []interface{ Unwrap() []error }{&certs.Error{Reason: certs.Expired, Err: cause}, &certs.ListError{Reason: certs.Expired, Err: cause}} {
		assert.Equal(t, []error{certs.Expired, cause}, err.Unwrap())
	}
}
