// The test of a command is in package main because nothing else can reach it.
package main

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/nitroattest/nitroattest/attestation"
	"github.com/nitroattest/nitroattest/attestation/attestationtest"
	"github.com/nitroattest/nitroattest/attestation/nsm"
	"github.com/nitroattest/nitroattest/pcr"
)

// world is a client of the manifest that was agreed on, and a way to start
// enclaves of the image that it trusts.
func world(t *testing.T) (client *http.Client, newEnclave func() *attestationtest.Enclave) {
	t.Helper()
	hypervisor := attestationtest.NewHypervisor()
	client, err := newClient(hypervisor, manifest{agreed, program})
	require.NoError(t, err)
	return client, func() *attestationtest.Enclave {
		image := attestationtest.WithImage(hypervisor.Enclave().Image().PCRs)
		return hypervisor.Enclave().Instance().NewEnclave(image)
	}
}

func TestTheManifestThatWasAgreedOn(t *testing.T) {
	t.Parallel()
	client, newEnclave := world(t)
	for range 2 { // at every boot
		answer, err := deploy(newEnclave(), manifest{agreed, program}, client)
		require.NoError(t, err)
		assert.Equal(t, "signed by two of three\n", answer)
	}
}

// Whatever the parent instance changes is refused, with the register, what it
// holds and what was expected.
func TestWhatTheParentChanged(t *testing.T) {
	t.Parallel()
	client, newEnclave := world(t)
	want := manifest{agreed, program}
	for name, test := range map[string]struct {
		given    manifest
		register int
	}{
		"manifest":                  {manifest{changed, program}, registerManifest},
		"one byte of the manifest":  {manifest{agreed + " ", program}, registerManifest},
		"no manifest":               {manifest{"", program}, registerManifest},
		"program":                   {manifest{agreed, program + "echo and sent home\n"}, registerProgram},
		"no program":                {manifest{agreed, ""}, registerProgram},
		"the digest is the program": {manifest{agreed, string(want.events()[1].Data)}, registerProgram},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := deploy(newEnclave(), test.given, client)
			require.ErrorIs(t, err, attestation.RegisterMismatch)
			assert.ErrorContains(t, err, fmt.Sprintf("PCR%d: found %s, expected %s", test.register,
				pcr.Replay(nil, test.given.events()...)[test.register], pcr.Replay(nil, want.events()...)[test.register]))
		})
	}
}

// An image that did not measure, or a program that measures itself, gains
// nothing.
func TestNothingIsMeasuredBeforeOrAfterTheBoot(t *testing.T) {
	t.Parallel()
	client, newEnclave := world(t)

	asleep, err := start(newEnclave().NSM(), program)
	require.NoError(t, err)
	defer asleep.Close()
	_, err = client.Get(asleep.url)
	require.ErrorIs(t, err, attestation.RegisterMismatch)
	assert.ErrorContains(t, err, "PCR16: found nothing")

	before := newEnclave()
	_, err = before.NSM().ExtendPCR(registerManifest, []byte("something"))
	require.NoError(t, err)
	_, err = deploy(before, manifest{agreed, program}, client)
	require.ErrorIs(t, err, attestation.RegisterMismatch)

	after := newEnclave()
	_, err = deploy(after, manifest{changed, program}, client)
	require.ErrorIs(t, err, attestation.RegisterMismatch)
	_, err = after.NSM().ExtendPCR(registerManifest, []byte(agreed))
	require.ErrorIs(t, err, nsm.ReadOnlyIndex)
	_, err = boot(after.NSM(), manifest{agreed, program})
	require.ErrorIs(t, err, nsm.ReadOnlyIndex)
}

// The policy keeps a program from forgetting to ask.
func TestForgettingIsNotAccepting(t *testing.T) {
	t.Parallel()
	hypervisor := attestationtest.NewHypervisor()
	image := hypervisor.Enclave().Image()
	image.Exchange = []int{registerManifest, registerProgram}
	verifier, err := attestation.NewVerifier(attestation.Config{Policy: pcr.Policy{Images: []pcr.Image{image}}, Roots: hypervisor.Roots()})
	require.NoError(t, err)
	_, err = boot(hypervisor.Enclave().NSM(), manifest{agreed, program})
	require.NoError(t, err)
	document, err := hypervisor.Enclave().NSM().Attest(nil, nil, nil)
	require.NoError(t, err)

	all := pcr.Replay(nil, manifest{agreed, program}.events()...)
	_, err = verifier.Verify(document, attestation.Expect{MaxAge: time.Minute, PCRs: all})
	require.NoError(t, err)
	for _, forgetful := range []pcr.Bank{nil, {registerManifest: all[registerManifest]}} {
		_, err = verifier.Verify(document, attestation.Expect{MaxAge: time.Minute, PCRs: forgetful})
		require.ErrorIs(t, err, attestation.RegisterMismatch)
	}
}

func TestRun(t *testing.T) {
	t.Parallel()
	require.NoError(t, run())
}
