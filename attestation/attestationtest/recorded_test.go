package attestationtest_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/nitroattest/nitroattest/attestation"
	"github.com/nitroattest/nitroattest/attestation/attestationtest"
)

const evidenceDir = "../../testdata/evidence"

// recorded is a genuine document with what the tests simulate it by.
type recorded struct {
	name     string
	evidence []byte
	*attestation.Unverified
	region   string
	definite bool // the payload map
}

// loadRecorded returns the genuine documents whose payload nobody touched.
func loadRecorded(t *testing.T) []recorded {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(evidenceDir, "index.json"))
	require.NoError(t, err)
	var index []struct {
		File       string `json:"file"`
		Region     string `json:"region"`
		PayloadMap string `json:"payload_map"`
		Authentic  bool   `json:"authentic"`
	}
	require.NoError(t, json.Unmarshal(data, &index))
	var all []recorded
	for _, entry := range index {
		if !entry.Authentic {
			continue
		}
		evidence, err := os.ReadFile(filepath.Join(evidenceDir, entry.File))
		require.NoError(t, err)
		unverified, err := attestation.ParseUnverified(evidence)
		require.NoError(t, err, entry.File)
		all = append(all, recorded{entry.File, evidence, unverified, entry.Region, entry.PayloadMap == "definite"})
	}
	require.Greater(t, len(all), 25)
	return all
}

// chain returns the certificates, root first.
func (r recorded) chain() [][]byte {
	return append(r.CABundle[:len(r.CABundle):len(r.CABundle)], r.Certificate)
}

// hypervisor returns one whose enclave has the names of the recorded one, and
// the request for its document.
func (r recorded) hypervisor() (*attestationtest.Hypervisor, attestationtest.Request) {
	own := attestationtest.WithNitroTPM()
	if r.Document.Kind == attestation.Enclave {
		own = attestationtest.WithEnclaveID(strings.TrimPrefix(r.Document.ModuleID, r.Document.InstanceID()+"-enc"))
	}
	options := []attestationtest.Option{
		attestationtest.WithSeed([]byte(r.name)),
		attestationtest.WithRegion(r.region),
		attestationtest.WithInstanceID(r.Document.InstanceID()),
		own,
		attestationtest.WithImage(r.Document.PCRs),
	}
	if r.definite {
		options = append(options, attestationtest.WithDefiniteMap())
	}
	return attestationtest.NewHypervisor(options...), attestationtest.Request{
		Time:      r.Document.Timestamp,
		Nonce:     r.Document.Nonce,
		UserData:  r.Document.UserData,
		PublicKey: r.Document.PublicKey,
	}
}

var (
	someTime = time.Date(2026, 3, 4, 5, 6, 7, 890e6, time.UTC)
	seed     = []byte("attestationtest")
)

// seeded returns a hypervisor that does the same in every run.
func seeded(options ...attestationtest.Option) *attestationtest.Hypervisor {
	return attestationtest.NewHypervisor(append([]attestationtest.Option{
		attestationtest.WithSeed(seed), attestationtest.WithTime(someTime)}, options...)...)
}
