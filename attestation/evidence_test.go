package attestation_test

import (
	"bytes"
	"cmp"
	"encoding/hex"
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/nitroattest/nitroattest/attestation"
	"github.com/nitroattest/nitroattest/pcr"
)

const evidenceDir = "../testdata/evidence"

// recorded is one entry of the index of recorded documents.
type recorded struct {
	File        string             `json:"file"`
	SHA256      string             `json:"sha256"`
	Kind        attestation.Kind   `json:"kind"` // empty: of an enclave
	Authentic   bool               `json:"authentic"`
	Reason      attestation.Reason `json:"reason"` // of one that is not; empty: bad-signature
	Debug       bool               `json:"debug"`
	Region      string             `json:"region"`
	PayloadMap  string             `json:"payload_map"`
	ModuleID    string             `json:"module_id"`
	TimestampMS int64              `json:"timestamp_ms"`
	PCRs        map[string]string  `json:"pcrs"`
	PublicKey   recordedField      `json:"public_key"`
	UserData    recordedField      `json:"user_data"`
	Nonce       recordedField      `json:"nonce"`
	Leaf        recordedCert       `json:"leaf"`
	Chain       []recordedCert     `json:"chain"`
}

type recordedField struct {
	State     string `json:"state"` // null, empty or bytes
	Len       int    `json:"len"`
	HexPrefix string `json:"hex_prefix"`
}

type recordedCert struct {
	Subject   string    `json:"subject"`
	NotBefore time.Time `json:"not_before"`
	NotAfter  time.Time `json:"not_after"`
	SHA256    string    `json:"sha256"`
	Size      int       `json:"size"`
}

func (r recorded) timestamp() time.Time { return time.UnixMilli(r.TimestampMS).UTC() }

func loadIndex(t testing.TB) []recorded {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(evidenceDir, "index.json"))
	require.NoError(t, err)
	var index []recorded
	require.NoError(t, json.Unmarshal(data, &index))
	return index
}

func (r recorded) read(t testing.TB) []byte { return readEvidence(t, r.File) }

func readEvidence(t testing.TB, file string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(evidenceDir, file))
	require.NoError(t, err)
	return data
}

// authentic returns the recorded documents that nobody tampered with.
func authentic(t testing.TB) []recorded {
	var out []recorded
	for _, r := range loadIndex(t) {
		if r.Authentic {
			out = append(out, r)
		}
	}
	return out
}

func find(t testing.TB, file string) recorded {
	t.Helper()
	for _, r := range loadIndex(t) {
		if r.File == file {
			return r
		}
	}
	t.Fatalf("%s is not in the index", file)
	return recorded{}
}

func (r recorded) kind() attestation.Kind { return cmp.Or(r.Kind, attestation.Enclave) }

// anyImage is the function of that name, for documents of this kind.
func (r recorded) anyImage() attestation.Config {
	config := anyImage()
	config.Kind = r.kind()
	return config
}

// anyImage is a configuration that asks for nothing but authenticity.
func anyImage() attestation.Config {
	return attestation.Config{Recorded: true, InsecureAnyImage: true, InsecureAllowDebug: true}
}

func newVerifier(t testing.TB, config attestation.Config) *attestation.Verifier {
	t.Helper()
	v, err := attestation.NewVerifier(config)
	require.NoError(t, err)
	return v
}

// requireReason fails unless err is a refusal with exactly this reason.
func requireReason(t testing.TB, want attestation.Reason, err error) {
	t.Helper()
	var refused *attestation.Error
	require.ErrorAs(t, err, &refused)
	require.Equal(t, want, refused.Reason, err)
	require.ErrorIs(t, err, want)
}

func (r recorded) assertDocument(t *testing.T, d attestation.Document) {
	t.Helper()
	assert.Equal(t, r.kind(), d.Kind)
	assert.Equal(t, r.ModuleID, d.ModuleID)
	assert.Equal(t, r.timestamp(), d.Timestamp)
	assert.Equal(t, "SHA384", d.Digest)
	assert.Empty(t, d.UnknownFields)
	want := pcr.Bank{}
	for register, value := range r.PCRs {
		n, err := strconv.Atoi(register)
		require.NoError(t, err)
		want[n], err = pcr.ParseValue(value)
		require.NoError(t, err)
	}
	assert.Equal(t, want, d.PCRs)
	r.PublicKey.assertBytes(t, d.PublicKey)
	r.UserData.assertBytes(t, d.UserData)
	r.Nonce.assertBytes(t, d.Nonce)
}

func (f recordedField) assertBytes(t *testing.T, got []byte) {
	t.Helper()
	switch f.State {
	case "null":
		assert.Nil(t, got)
	case "empty":
		assert.NotNil(t, got)
		assert.Empty(t, got)
	case "bytes":
		assert.Len(t, got, f.Len)
		prefix, err := hex.DecodeString(f.HexPrefix)
		require.NoError(t, err)
		assert.Equal(t, prefix, got[:len(prefix)])
	default:
		t.Fatalf("index: unknown state %q", f.State)
	}
}

// flip changes the last byte of one part of a document.
func flip(t testing.TB, evidence []byte, part func(*attestation.Unverified) []byte) []byte {
	t.Helper()
	u, err := attestation.ParseUnverified(evidence)
	require.NoError(t, err)
	b := part(u)
	start := bytes.LastIndex(evidence, b)
	require.Positive(t, start)
	flipped := bytes.Clone(evidence)
	flipped[start+len(b)-1] ^= 1
	return flipped
}

// keysOf returns the keys of the object that a value is in JSON.
func keysOf(t testing.TB, value any) []string {
	t.Helper()
	text, err := json.Marshal(value)
	require.NoError(t, err)
	var members map[string]json.RawMessage
	require.NoError(t, json.Unmarshal(text, &members))
	return slices.Collect(maps.Keys(members))
}
