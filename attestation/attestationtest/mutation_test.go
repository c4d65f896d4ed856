package attestationtest_test

import (
	"bytes"
	"errors"
	"regexp"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/nitroattest/nitroattest/attestation"
	"github.com/nitroattest/nitroattest/attestation/attestationtest"
	"github.com/nitroattest/nitroattest/pcr"
)

// reported names the lines of a report that answer for a topic, and for unknown
// fields those that are taken in by a look-alike.
func reported(topic attestationtest.Topic) []string {
	for _, info := range attestationtest.Topics() {
		if info.Topic != topic {
			continue
		}
		if topic == attestationtest.TopicUnknownFields {
			return []string{attestation.CheckNonce, attestation.CheckUserData, attestation.CheckPublicKey, attestation.CheckMeasurements}
		}
		return info.Checks
	}
	return nil
}

// failures returns the names of the checks that a report says failed.
func failures(report *attestation.Report) []string {
	var names []string
	for _, check := range report.Checks {
		if check.Status == attestation.Fail {
			names = append(names, check.Name)
		}
	}
	return names
}

// verifier returns the one that a case is for.
func verifier(t *testing.T, config attestation.Config) *attestation.Verifier {
	t.Helper()
	v, err := attestation.NewVerifier(config)
	require.NoError(t, err)
	return v
}

// acceptsOriginal makes sure that it is the mutation that a document is
// refused for.
func acceptsOriginal(t *testing.T, h *attestationtest.Hypervisor, c attestationtest.Case) {
	t.Helper()
	config := c.Config()
	config.Roots = h.Roots()
	_, err := verifier(t, config).Verify(c.Original, c.Expect())
	assert.NoError(t, err, "the original")
}

// some is a part of a long table with -short, which is for the race detector and
// for FIPS mode.
func some(mutations []attestationtest.Mutation) []attestationtest.Mutation {
	if !testing.Short() {
		return mutations
	}
	var out []attestationtest.Mutation
	for i := 0; i < len(mutations); i += 8 {
		out = append(out, mutations[i])
	}
	return out
}

func TestMutationsAreRefusedForTheirReason(t *testing.T) {
	t.Parallel()
	h := seeded()
	for _, m := range some(attestationtest.Mutations()) {
		t.Run(m.Name, func(t *testing.T) {
			t.Parallel()
			c := h.Case(m)
			acceptsOriginal(t, h, c)
			assert.NotEqual(t, c.Original, c.Document)
			report := verifier(t, c.Config()).Appraise(c.Document, c.Expect())
			result, err := report.Result()
			assert.Nil(t, result)
			var refused *attestation.Error
			require.ErrorAs(t, err, &refused)
			assert.Equal(t, m.Reason, refused.Reason, "%s: %v", m.Comment, err)

			failed := failures(report)
			require.NotEmpty(t, failed)
			assert.Contains(t, reported(m.Topic), failed[0])
			if m.Reason != attestation.DebugMode { // zeros match no policy either
				assert.Len(t, failed, 1, "only this check can tell")
			}
		})
	}
}

func TestVariationsAreAccepted(t *testing.T) {
	t.Parallel()
	h := seeded()
	for _, m := range some(attestationtest.Variations()) {
		t.Run(m.Name, func(t *testing.T) {
			t.Parallel()
			c := h.Case(m)
			assert.Empty(t, m.Reason)
			acceptsOriginal(t, h, c)
			_, err := verifier(t, c.Config()).Verify(c.Document, c.Expect())
			assert.NoError(t, err, m.Comment)
		})
	}
}

// notOfDocuments are about how a verifier is set up and what it does, not about
// a document.
var notOfDocuments = []attestationtest.Topic{
	attestationtest.TopicRevocation, attestationtest.TopicCachedChain, attestationtest.TopicUsablePolicy,
	attestationtest.TopicApplicationRegisters, attestationtest.TopicNoIdentityOfBytes,
}

func TestMutationsCoverTheTopicsInTheirOrder(t *testing.T) {
	t.Parallel()
	var covered, want []attestationtest.Topic
	for _, m := range attestationtest.Mutations() {
		if !slices.Contains(covered, m.Topic) {
			covered = append(covered, m.Topic)
		}
	}
	for _, info := range attestationtest.Topics() {
		assert.NotEmpty(t, info.Description)
		assert.Subset(t, attestation.CheckNames(), info.Checks)
		if !slices.Contains(notOfDocuments, info.Topic) {
			want = append(want, info.Topic)
		}
	}
	assert.Equal(t, want, covered)
}

func TestMutationsAreDistinct(t *testing.T) {
	t.Parallel()
	h := seeded()
	names, comments, documents := map[string]bool{}, map[string]bool{}, map[string]string{}
	all := append(attestationtest.Mutations(), attestationtest.Variations()...)
	assert.Greater(t, len(all), 500)
	for _, m := range all {
		assert.Regexp(t, regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)*$`), m.Name)
		assert.False(t, names[m.Name], m.Name)
		assert.False(t, comments[m.Comment], "%s: %s", m.Name, m.Comment)
		names[m.Name], comments[m.Comment] = true, true
		if len(names)%8 != 0 && testing.Short() {
			continue
		}
		c := h.Case(m)
		if m.Arrange == nil && m.Apply != nil { // others may differ in what is expected only
			assert.Empty(t, documents[string(c.Document)], m.Name)
			documents[string(c.Document)] = m.Name
		}
	}
}

func TestCaseDependsOnItsMutationOnly(t *testing.T) {
	t.Parallel()
	m := attestationtest.Mutations()[0]
	h := seeded()
	want := h.Case(m)
	h.Attest(attestationtest.Request{})
	h.Case(attestationtest.Mutations()[1])
	got := h.Case(m)
	assert.Equal(t, want.Document, got.Document)
	assert.Equal(t, want.Original, got.Original)
	assert.Equal(t, seeded().Case(m).Document, got.Document)
}

// A hypervisor's options do not matter to its cases, nor does it need a seed.
func TestCaseOfAnyHypervisor(t *testing.T) {
	t.Parallel()
	for _, h := range []*attestationtest.Hypervisor{
		attestationtest.NewHypervisor(),
		seeded(attestationtest.WithDebugMode(), attestationtest.WithDefiniteMap(), attestationtest.WithNitroTPM()),
		seeded(attestationtest.WithRegion("ap-southeast-1"), attestationtest.WithImage(pcr.Bank{0: {}})),
	} {
		c := h.Case(attestationtest.Mutation{})
		acceptsOriginal(t, h, c)
		assert.Equal(t, c.Original, c.Document, "a mutation that does nothing")
	}
}

// Users write mutations of their own.
func TestCaseOfAnOwnMutation(t *testing.T) {
	t.Parallel()
	h := seeded()
	c := h.Case(attestationtest.Mutation{
		Name: "own", Reason: attestation.MeasurementMismatch,
		Apply: func(b *attestationtest.Blueprint) { b.SetPCR(2, pcr.Value{1}) },
	})
	acceptsOriginal(t, h, c)
	_, err := verifier(t, c.Config()).Verify(c.Document, c.Expect())
	assert.ErrorIs(t, err, attestation.MeasurementMismatch)
	var mismatch *pcr.MismatchError
	require.True(t, errors.As(err, &mismatch))
	assert.Equal(t, 2, mismatch.Images[1].Differing()[0].Register)
}

// Mutations can be made to a document of either kind and without optional
// fields, even where they make no sense.
func TestMutationsApplyToAnyDocument(t *testing.T) {
	t.Parallel()
	for _, h := range []*attestationtest.Hypervisor{seeded(), seeded(attestationtest.WithNitroTPM())} {
		for _, m := range some(append(attestationtest.Mutations(), attestationtest.Variations()...)) {
			if m.Apply == nil {
				continue
			}
			b := h.Blueprint(attestationtest.Request{})
			assert.NotPanics(t, func() {
				m.Apply(b)
				b.Document()
			}, m.Name)
		}
	}
}

// A mutation of a signature that is not there leaves it so.
func TestSignatureMutationsNeedASignature(t *testing.T) {
	t.Parallel()
	for _, m := range attestationtest.Mutations() {
		if m.Name != "signature-first-bit" {
			continue
		}
		b := seeded().Blueprint(attestationtest.Request{})
		m.Apply(b)
		b.Certificate.Key = nil
		assert.True(t, bytes.HasSuffix(b.Document(), []byte{0x40}))
	}
}
