package attestation_test

import (
	"crypto/x509"
	"encoding/json"
	"math/big"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/nitroattest/nitroattest/attestation"
	"github.com/nitroattest/nitroattest/attestation/attestationtest"
	"github.com/nitroattest/nitroattest/certs"
)

var treeTime = time.Date(2026, 1, 15, 12, 0, 0, 0, time.UTC)

// tree is a simulated fleet: documents of several regions, zones, instances
// and enclaves, with leaves that were replaced, and broken ones among them.
type tree struct {
	roots     *certs.Roots
	documents [][]byte
	lists     [][][]byte // sets of revocation lists that may be current
	modules   []string
}

// breaks change a chain or a signature in ways that a careless cache could
// miss, for all but one certificate are those of a good document.
var breaks = []func(b *attestationtest.Blueprint){
	func(b *attestationtest.Blueprint) { b.Key = b.NewKey("stranger") },
	func(b *attestationtest.Blueprint) {
		b.Chain[attestationtest.LevelLeaf].SigningKey = b.NewKey("stranger")
	},
	func(b *attestationtest.Blueprint) {
		b.Chain[attestationtest.LevelInstance].SigningKey = b.NewKey("stranger")
	},
	func(b *attestationtest.Blueprint) { b.Chain[attestationtest.LevelZonal].Key = b.NewKey("reissued") },
	func(b *attestationtest.Blueprint) { b.Chain[attestationtest.LevelRoot].Key = b.NewKey("look-alike") },
	func(b *attestationtest.Blueprint) { b.Bundle = append(b.Bundle[:2:2], b.Bundle[3:]...) },
	func(b *attestationtest.Blueprint) { b.Bundle[2], b.Bundle[3] = b.Bundle[3], b.Bundle[2] },
	func(b *attestationtest.Blueprint) {
		b.Chain[attestationtest.LevelInstance].NotAfter = treeTime.Add(-time.Hour)
	},
}

func newTree(t testing.TB) *tree {
	t.Helper()
	h := attestationtest.NewHypervisor(attestationtest.WithSeed([]byte("tree")), attestationtest.WithTime(treeTime))
	out := &tree{roots: h.Roots(), lists: [][][]byte{nil}}
	for zone, region := range []string{"us-east-1", "us-east-1", "eu-west-1"} {
		z := h.NewZone(attestationtest.WithRegion(region))
		for range 2 {
			instance := z.NewInstance()
			for i := range 2 {
				enclave := instance.NewEnclave()
				out.modules = append(out.modules, enclave.ModuleID())
				for _, age := range []time.Duration{0, 4 * time.Hour, 30 * time.Hour} {
					out.documents = append(out.documents, enclave.Attest(attestationtest.Request{Time: treeTime.Add(-age)}))
				}
				b := enclave.Blueprint(attestationtest.Request{})
				breaks[(zone*4+i)%len(breaks)](b)
				out.documents = append(out.documents, b.Document())
				if i == 0 {
					out.addLists(t, enclave.Blueprint(attestationtest.Request{}))
				}
			}
		}
	}
	return out
}

// addLists adds lists on which one of the certificates of a chain is, and
// current lists on which nothing is.
func (tr *tree) addLists(t testing.TB, b *attestationtest.Blueprint) {
	sign := func(issuer attestationtest.Level, revoked ...attestationtest.Level) []byte {
		template := &x509.RevocationList{Number: big.NewInt(1), ThisUpdate: treeTime.Add(-48 * time.Hour), NextUpdate: treeTime.Add(time.Hour)}
		for _, level := range revoked {
			template.RevokedCertificateEntries = append(template.RevokedCertificateEntries,
				x509.RevocationListEntry{SerialNumber: new(big.Int).SetBytes(b.Chain[level].Serial), RevocationTime: treeTime})
		}
		der, err := b.Chain[issuer].SignRevocationList(template)
		require.NoError(t, err)
		return der
	}
	good := [][]byte{sign(attestationtest.LevelRoot), sign(attestationtest.LevelRegional)}
	tr.lists = append(tr.lists, good,
		[][]byte{good[0], sign(attestationtest.LevelRegional, attestationtest.LevelZonal)},
		append([][]byte{sign(attestationtest.LevelZonal, attestationtest.LevelInstance)}, good...))
}

// verdict is everything that a report says, as text.
func verdict(t testing.TB, v *attestation.Verifier, evidence []byte, expect attestation.Expect) string {
	t.Helper()
	report := v.Appraise(evidence, expect)
	result, err := report.Result()
	assert.Equal(t, err == nil, result != nil)
	text, err := json.Marshal(report)
	require.NoError(t, err)
	return string(text)
}

// For every sequence of documents, times and revocation lists, the verdict
// with the cache is the one without it.
func TestNoVerdictDependsOnTheCache(t *testing.T) {
	t.Parallel()
	seeds := uint64(6)
	if testing.Short() {
		seeds = 2 // without lists and with them
	}
	tr := newTree(t)
	offsets := []time.Duration{0, 0, 0, 0, 0, time.Second, time.Minute, -3 * time.Hour, 2 * time.Hour, 3*time.Hour + time.Second, -29 * time.Hour, 30 * time.Hour, 400 * time.Hour}
	reasons := map[string]int{}
	for seed := range seeds {
		random := rand.New(rand.NewPCG(seed, 1))
		var now time.Time
		var revocations *certs.Revocations
		if seed%2 == 1 {
			var err error
			revocations, err = certs.NewRevocations(certs.RevocationConfig{
				Unknown: []certs.UnknownStatus{certs.RefuseUnknown, certs.InsecureAcceptUnknown}[seed/2%2], Modules: tr.modules[:1],
			})
			require.NoError(t, err)
		}
		verifier := func(cached int) *attestation.Verifier {
			return newVerifier(t, attestation.Config{
				Roots: tr.roots, InsecureAnyImage: true, Revocations: revocations, Now: func() time.Time { return now },
				Limits: attestation.Limits{CachedCertificates: cached},
			})
		}
		bare := verifier(attestation.NoCache)
		cached := []*attestation.Verifier{verifier(1), verifier(3), verifier(7), verifier(0)}
		for step := range 80 {
			if revocations != nil && step%5 == 0 {
				require.NoError(t, revocations.SetCRLs(tr.lists[random.IntN(len(tr.lists))]...))
			}
			evidence := tr.documents[random.IntN(len(tr.documents))]
			now = treeTime
			if u, err := attestation.ParseUnverified(evidence); err == nil && random.IntN(2) == 0 {
				now = u.Document.Timestamp
			}
			now = now.Add(offsets[random.IntN(len(offsets))])
			if random.IntN(8) == 0 {
				evidence = append([]byte{}, evidence...)
				evidence[random.IntN(len(evidence))] ^= 1 << random.IntN(8)
			}
			expect := attestation.Expect{InsecureNoFreshness: true}
			want := verdict(t, bare, evidence, expect)
			for i, v := range cached {
				require.Equal(t, want, verdict(t, v, evidence, expect), "seed %d, step %d, cache %d", seed, step, i)
			}
			var summary struct{ Reason string }
			require.NoError(t, json.Unmarshal([]byte(want), &summary))
			reasons[summary.Reason]++
		}
	}
	t.Log(reasons)
	for _, reason := range []attestation.Reason{"", attestation.UntrustedRoot, attestation.InvalidChain, attestation.CertificateExpired,
		attestation.CertificateNotYetValid, attestation.CertificateRevoked, attestation.BadSignature} {
		assert.Positive(t, reasons[string(reason)], "the sequences reach %q", reason)
	}
}
