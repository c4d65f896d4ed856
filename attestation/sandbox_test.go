package attestation_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/nitroattest/nitroattest/attestation"
	"github.com/nitroattest/nitroattest/attestation/attestationtest"
	"github.com/nitroattest/nitroattest/pcr"
)

// What PCR17 of a sandbox is worth: something beside the registers of its guest,
// and nothing alone.
func TestSandboxesAreJudgedByTheirGuest(t *testing.T) {
	t.Parallel()
	predicted := pcr.Extend(pcr.Value{}, []byte("permit(principal, action, resource);"))
	h := attestationtest.NewHypervisor(attestationtest.WithSandbox(pcr.Bank{17: predicted}))
	guest := h.Enclave().Image()
	assert.Equal(t, []int{0, 1, 2, 17}, guest.PCRs.Registers())
	v := verifierOf(t, h, nil)
	fresh := attestation.Expect{MaxAge: time.Minute}

	result, err := v.Verify(h.Attest(attestationtest.Request{}), fresh)
	require.NoError(t, err)
	assert.Equal(t, guest, result.Image)
	assert.Empty(t, result.Waived())

	instance := h.Enclave().Instance()
	for name, e := range map[string]*attestationtest.Enclave{
		"another guest with the same PCR17":  instance.NewEnclave(attestationtest.WithSandbox(pcr.Bank{17: predicted})),
		"the guest with another policy":      instance.NewEnclave(attestationtest.WithImage(guest.PCRs), attestationtest.WithSandbox(pcr.Bank{17: {1}})),
		"an enclave that extends PCR17":      extending(t, instance.NewEnclave(), "permit(principal, action, resource);"),
		"the guest, in which more was added": extending(t, h.NewZone().NewInstance().NewEnclave(attestationtest.WithImage(guest.PCRs)), "more"),
	} {
		_, err := v.Verify(e.Attest(attestationtest.Request{}), fresh)
		assert.ErrorIs(t, err, attestation.MeasurementMismatch, name)
	}

	_, err = attestation.NewVerifier(attestation.Config{Policy: pcr.Policy{Images: []pcr.Image{{PCRs: pcr.Bank{17: predicted}}}}})
	require.ErrorIs(t, err, pcr.PinsNoCode)
	assert.ErrorContains(t, err, "any application can give it any such value; that of a Nitro Sandbox's policy belongs beside PCR0, PCR1 and PCR2 of its guest")
}

func extending(t *testing.T, e *attestationtest.Enclave, data string) *attestationtest.Enclave {
	t.Helper()
	_, err := e.NSM().ExtendPCR(17, []byte(data))
	require.NoError(t, err)
	return e
}

// withModuleID is a good document of a module with that ID, which its leaf is
// named after.
func withModuleID(h *attestationtest.Hypervisor, id string) []byte {
	b := h.Blueprint(attestationtest.Request{})
	b.SetModuleID(id)
	return b.Document()
}

func TestModuleIDsOfAnUnknownForm(t *testing.T) {
	t.Parallel()
	h := attestationtest.NewHypervisor()
	instance := h.Enclave().Instance().ID()
	strict := verifierOf(t, h, nil)
	lax := verifierOf(t, h, func(c *attestation.Config) { c.InsecureAnyModuleID = true })
	fresh := attestation.Expect{MaxAge: time.Minute}
	const asks = "no recorded document has this form, one of a Nitro Sandbox might: if AWS issued it, please send it to https://github.com/nitroattest/nitroattest/issues"

	for name, id := range map[string]string{
		"sandbox":         instance + "-sbx0123456789abcdef",
		"short":           instance + "-enc0123456789abcde",
		"capitals":        instance + "-enc0123456789ABCDEF",
		"no instance":     "sandbox-0123",
		"one character":   "x",
		"names and dots":  "vm_1.of.2",
		"tpm with digits": instance + "-tpm0000000000000001",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			evidence := withModuleID(h, id)
			_, err := strict.Verify(evidence, fresh)
			requireReason(t, attestation.WrongDocumentKind, err)
			assert.ErrorContains(t, err, `found "`+id+`" beside the registers of kind enclave, expected the form ^i-`)
			assert.ErrorContains(t, err, asks)
			assert.Equal(t, attestation.Fail, statusOf(t, strict.Appraise(evidence, fresh), attestation.CheckKind).Status)

			report := lax.Appraise(evidence, fresh)
			result, err := report.Result()
			require.NoError(t, err)
			assert.Equal(t, []string{"InsecureAnyModuleID"}, result.Waived())
			assert.Equal(t, id, result.Document.ModuleID)
			assert.False(t, result.Document.HasKnownModuleID())
			check := statusOf(t, report, attestation.CheckKind)
			assert.Equal(t, attestation.Skipped, check.Status)
			assert.Contains(t, check.Detail, "InsecureAnyModuleID")

			// It can be looked at, and a strict verifier does not take what another one
			// has parsed.
			u, err := attestation.ParseUnverified(evidence)
			require.NoError(t, err)
			assert.Equal(t, id, u.Document.ModuleID)
			parsed, err := lax.Parse(evidence)
			require.NoError(t, err)
			_, err = strict.VerifyParsed(parsed, fresh)
			requireReason(t, attestation.WrongDocumentKind, err)
			_, err = lax.VerifyParsed(parsed, fresh)
			require.NoError(t, err)

			// The leaf is named after the module all the same.
			b := h.Blueprint(attestationtest.Request{})
			b.Set("module_id", append([]byte{0x78, byte(len(id))}, id...))
			_, err = lax.Verify(b.Document(), fresh)
			requireReason(t, attestation.InvalidChain, err)
		})
	}

	// What no option lets pass: the other kind's, and what cannot be printed.
	for _, id := range []string{
		instance + "-tpm0000000000000000", "-x", " ", "a b", "a\n", "\x1b[2J", "i-0/enc", "ä", strings.Repeat("x", 129),
	} {
		evidence := withModuleID(h, id)
		for _, v := range []*attestation.Verifier{strict, lax} {
			_, err := v.Verify(evidence, fresh)
			requireReason(t, attestation.WrongDocumentKind, err)
			assert.NotContains(t, err.Error(), "Sandbox", id)
		}
		_, err := attestation.ParseUnverified(evidence)
		requireReason(t, attestation.WrongDocumentKind, err)
	}

	result, err := lax.Verify(h.Attest(attestationtest.Request{}), fresh)
	require.NoError(t, err)
	assert.Empty(t, result.Waived(), "of a form that is known")
	_, err = attestation.NewVerifier(attestation.Config{InsecureAnyImage: true, Kind: attestation.NitroTPM, InsecureAnyModuleID: true})
	assert.ErrorContains(t, err, "Config.InsecureAnyModuleID: set for documents of kind")
}

func TestHasKnownModuleID(t *testing.T) {
	t.Parallel()
	const enclave, tpm = "i-0123456789abcdef0-enc0123456789abcdef", "i-0123456789abcdef0-tpm0000000000000000"
	for document, want := range map[*attestation.Document]bool{
		{ModuleID: enclave}: true, {Kind: attestation.Enclave, ModuleID: enclave}: true, {Kind: attestation.NitroTPM, ModuleID: tpm}: true,
		{ModuleID: tpm}: false, {Kind: attestation.NitroTPM, ModuleID: enclave}: false, {Kind: "other", ModuleID: enclave}: false, {}: false,
	} {
		assert.Equal(t, want, document.HasKnownModuleID(), "%s %s", document.Kind, document.ModuleID)
	}
}
