package simulate_test

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/nitroattest/nitroattest/attestation/attestationtest"
	"github.com/nitroattest/nitroattest/cmd/nitroattest/internal/simulate"
	"github.com/nitroattest/nitroattest/pcr"
)

func simulators(t *testing.T) map[bool]*simulate.Simulator {
	state, err := simulate.OpenState(filepath.Join(t.TempDir(), "state"))
	require.NoError(t, err)
	all := map[bool]*simulate.Simulator{}
	for _, kind := range []pcr.Kind{pcr.Enclave, pcr.NitroTPM} {
		simulator, err := state.New(simulate.Config{Kind: kind})
		require.NoError(t, err)
		all[kind == pcr.NitroTPM] = simulator
	}
	return all
}

// Break verifies what it makes, so that it returns a document for every mutation
// is the test.
func TestEveryMutationBreaks(t *testing.T) {
	t.Parallel()
	of := simulators(t)
	at := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	for i, m := range simulate.Mutations() {
		if testing.Short() && i%40 != 0 {
			continue
		}
		broken, err := of[m.NitroTPM].Break(m, attestationtest.Request{Time: at})
		if assert.NoError(t, err) {
			assert.Equal(t, m.Name, broken.Mutation.Name)
		}
	}
}

func TestBreakRefusesWhatItCannotBreak(t *testing.T) {
	t.Parallel()
	of := simulators(t)
	at := attestationtest.Request{Time: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)}
	m, err := simulate.FindMutation("pcr-0-bit")
	require.NoError(t, err)
	_, err = of[true].Break(m, at)
	assert.EqualError(t, err, "pcr-0-bit breaks a document of kind enclave, which this is not")
	m.Apply = nil
	_, err = of[false].Break(m, at)
	assert.EqualError(t, err, "pcr-0-bit breaks nothing that the policy of this image asks for")
	m, err = simulate.FindMutation("debug-mode")
	require.NoError(t, err)
	m.Reason = "bad-signature"
	_, err = of[false].Break(m, at)
	assert.ErrorContains(t, err, "debug-mode: the verdict on this document would be another one: ")
	_, err = simulate.FindMutation("PCR-0-BIT")
	assert.EqualError(t, err, `found "PCR-0-BIT", expected the name of a mutation`)
}

// What the caller gives is kept, and what a mutation needs is made up.
func TestBreakKeepsTheRequest(t *testing.T) {
	t.Parallel()
	of := simulators(t)
	r := attestationtest.Request{Time: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC), Nonce: []byte("mine")}
	m, err := simulate.FindMutation("expected-nonce-null")
	require.NoError(t, err)
	broken, err := of[false].Break(m, r)
	require.NoError(t, err)
	assert.Equal(t, []byte("mine"), broken.Nonce)
	assert.Nil(t, broken.UserData)
	r.Nonce = nil
	broken, err = of[false].Break(m, r)
	require.NoError(t, err)
	assert.Len(t, broken.Nonce, 32)
}
