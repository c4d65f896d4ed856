package attestation_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/nitroattest/nitroattest/attestation"
	"github.com/nitroattest/nitroattest/attestation/attestationtest"
	"github.com/nitroattest/nitroattest/pcr"
)

func verifierOf(t *testing.T, h *attestationtest.Hypervisor, change func(*attestation.Config)) *attestation.Verifier {
	t.Helper()
	config := attestation.Config{Policy: pcr.Policy{Images: []pcr.Image{h.Enclave().Image()}}, Roots: h.Roots()}
	if change != nil {
		change(&config)
	}
	return newVerifier(t, config)
}

func statusOf(t *testing.T, report *attestation.Report, name string) attestation.Check {
	t.Helper()
	for _, check := range report.Checks {
		if check.Name == name {
			return check
		}
	}
	t.Fatalf("no check %s", name)
	return attestation.Check{}
}

// Each register that the exchange expects has to be there with its value,
// whatever the image; those that it does not expect are not looked at.
func TestExpectedRegisters(t *testing.T) {
	t.Parallel()
	h := attestationtest.NewHypervisor(attestationtest.WithSeed([]byte("exchange")))
	v := verifierOf(t, h, nil)
	manifest, other := pcr.Value{}.Extend([]byte("manifest")), pcr.Value{}.Extend([]byte("other"))
	evidence := h.Attest(attestationtest.Request{PCRs: pcr.Bank{16: manifest, 17: {}, 31: other}})
	for name, test := range map[string]struct {
		want   pcr.Bank
		detail string // of the refusal; empty: accepted
	}{
		"none":              {nil, ""},
		"one":               {pcr.Bank{16: manifest}, ""},
		"zero":              {pcr.Bank{17: {}}, ""},
		"all":               {pcr.Bank{16: manifest, 17: {}, 31: other}, ""},
		"another value":     {pcr.Bank{16: other}, fmt.Sprintf("PCR16: found %s, expected %s", manifest, other)},
		"zero where is one": {pcr.Bank{16: {}}, fmt.Sprintf("PCR16: found %s, expected %s", manifest, pcr.Value{})},
		"one where is zero": {pcr.Bank{17: other}, fmt.Sprintf("PCR17: found %s, expected %s", pcr.Value{}, other)},
		"absent":            {pcr.Bank{18: manifest}, fmt.Sprintf("PCR18: found nothing, expected %s", manifest)},
		"absent, zero":      {pcr.Bank{18: {}}, fmt.Sprintf("PCR18: found nothing, expected %s", pcr.Value{})},
		"two of three": {pcr.Bank{31: manifest, 16: manifest, 18: other},
			fmt.Sprintf("PCR18: found nothing, expected %s; PCR31: found %s, expected %s", other, other, manifest)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			expect := attestation.Expect{MaxAge: time.Hour, PCRs: test.want}
			report := v.Appraise(evidence, expect)
			result, err := v.Verify(evidence, expect)
			check := statusOf(t, report, attestation.CheckExchangeRegisters)
			assert.Len(t, report.Registers, len(test.want))
			if test.detail == "" {
				require.NoError(t, err)
				assert.True(t, report.Accepted())
				if test.want == nil {
					assert.Equal(t, attestation.Skipped, check.Status)
				} else {
					assert.Equal(t, attestation.Pass, check.Status)
				}
				return
			}
			requireReason(t, attestation.RegisterMismatch, err)
			assert.Nil(t, result)
			assert.EqualError(t, err, "register-mismatch: "+test.detail)
			assert.Equal(t, attestation.Check{Name: "exchange-registers", Status: attestation.Fail, Reason: attestation.RegisterMismatch, Detail: test.detail}, check)
			assert.True(t, report.Authentic())
			assert.False(t, report.Accepted())
			assert.Nil(t, report.Image, "refused")
			assert.Equal(t, h.Enclave().Image().Name, report.Matched.Name)
			for i, register := range test.want.Registers() {
				assert.Equal(t, register, report.Registers[i].Register)
				assert.Equal(t, test.want[register], report.Registers[i].Want)
			}
			text, err := json.Marshal(report)
			require.NoError(t, err)
			assert.Contains(t, string(text), `"registers":[{"register":`)
			assert.Contains(t, string(text), `"image":null`)
		})
	}
}

// The registers that a policy is about cannot be asked for by an exchange, nor
// can those that do not exist.
func TestExpectedRegistersAreTheApplications(t *testing.T) {
	t.Parallel()
	own := map[attestation.Kind]func(int) bool{
		attestation.Enclave:  func(i int) bool { return i >= 16 && i <= 31 },
		attestation.NitroTPM: func(i int) bool { return i >= 8 && i <= 16 || i == 23 },
	}
	for kind, ok := range own {
		v := newVerifier(t, attestation.Config{InsecureAnyImage: true, Kind: kind})
		for register := -1; register <= 33; register++ {
			_, err := v.Verify([]byte{0}, attestation.Expect{MaxAge: time.Hour, PCRs: pcr.Bank{register: {}}})
			if ok(register) {
				requireReason(t, attestation.MalformedEvidence, err)
			} else {
				assert.ErrorContains(t, err, fmt.Sprintf("Expect.PCRs[%d]: ", register))
			}
		}
		_, err := v.Verify([]byte{0}, attestation.Expect{MaxAge: time.Hour, PCRs: pcr.Bank{}})
		assert.ErrorContains(t, err, "Expect.PCRs: empty")
	}
}

func TestExpectedRegistersOfNitroTPM(t *testing.T) {
	t.Parallel()
	h := attestationtest.NewHypervisor()
	e := h.Enclave().Instance().NewEnclave(attestationtest.WithNitroTPM())
	image := e.Image()
	v := verifierOf(t, h, func(c *attestation.Config) {
		c.Kind, c.Policy = attestation.NitroTPM, pcr.Policy{Kind: attestation.NitroTPM, Images: []pcr.Image{image}}
	})
	value := pcr.Value{}.Extend([]byte("config"))
	evidence := e.Attest(attestationtest.Request{PCRs: pcr.Bank{23: value}})
	_, err := v.Verify(evidence, attestation.Expect{MaxAge: time.Hour, PCRs: pcr.Bank{23: value}})
	require.NoError(t, err)
	_, err = v.Verify(evidence, attestation.Expect{MaxAge: time.Hour, PCRs: pcr.Bank{23: {}}})
	requireReason(t, attestation.RegisterMismatch, err)
}

// A field that has to be null, is not there or is: empty is not null.
func TestNoUserDataAndNoPublicKey(t *testing.T) {
	t.Parallel()
	h := attestationtest.NewHypervisor()
	v := verifierOf(t, h, nil)
	for name, test := range map[string]struct {
		expect attestation.Expect
		set    func(*attestationtest.Request, []byte)
		reason attestation.Reason
		check  string
	}{
		"user_data":  {attestation.Expect{NoUserData: true}, func(r *attestationtest.Request, b []byte) { r.UserData = b }, attestation.UserDataMismatch, attestation.CheckUserData},
		"public_key": {attestation.Expect{NoPublicKey: true}, func(r *attestationtest.Request, b []byte) { r.PublicKey = b }, attestation.PublicKeyMismatch, attestation.CheckPublicKey},
	} {
		test.expect.MaxAge = time.Minute
		for value, found := range map[string]string{"\x07": "07", "": "an empty value"} {
			request := attestationtest.Request{}
			test.set(&request, []byte(value))
			_, err := v.Verify(h.Attest(request), test.expect)
			requireReason(t, test.reason, err)
			assert.ErrorContains(t, err, name+": found "+found+", expected null")
		}
		report := v.Appraise(h.Attest(attestationtest.Request{}), test.expect)
		assert.True(t, report.Accepted(), name)
		assert.Equal(t, attestation.Pass, statusOf(t, report, test.check).Status)
	}
	for field, expect := range map[string]attestation.Expect{
		"NoUserData":  {MaxAge: time.Hour, NoUserData: true, UserData: []byte{}},
		"NoPublicKey": {MaxAge: time.Hour, NoPublicKey: true, PublicKey: []byte{1}},
	} {
		_, err := v.Verify(h.Attest(attestationtest.Request{}), expect)
		assert.ErrorContains(t, err, "Expect."+field+": set beside Expect."+strings.TrimPrefix(field, "No"))
	}
}

// A value that got lost is loud: by Required around it, or by the verifier's
// Require. Neither keeps an exchange from expecting nothing when it says so.
func TestLostExpectationsAreLoud(t *testing.T) {
	t.Parallel()
	h := attestationtest.NewHypervisor()
	plain := verifierOf(t, h, nil)
	strict := verifierOf(t, h, func(c *attestation.Config) {
		c.Require = attestation.Requirements{Nonce: true, UserData: true, PublicKey: true}
	})
	some := []byte("some")
	replayed := h.Attest(attestationtest.Request{Nonce: []byte("somebody else's"), UserData: some, PublicKey: some})
	sessions := map[string][]byte{}

	_, err := plain.Verify(replayed, attestation.Expect{MaxAge: time.Hour, Nonce: attestation.Required(sessions["mallory"])})
	assert.ErrorContains(t, err, "Expect.Nonce: empty")
	_, err = plain.Verify(replayed, attestation.Expect{MaxAge: time.Hour, UserData: attestation.Required(nil)})
	requireReason(t, attestation.UserDataMismatch, err)
	_, err = plain.Verify(replayed, attestation.Expect{MaxAge: time.Hour, PublicKey: attestation.Required(nil)})
	requireReason(t, attestation.PublicKeyMismatch, err)
	assert.Equal(t, some, attestation.Required(some))

	full := attestation.Expect{Nonce: []byte("somebody else's"), MaxAge: time.Hour, UserData: some, PublicKey: some}
	_, err = strict.Verify(replayed, full)
	require.NoError(t, err)
	for field, lose := range map[string]func(*attestation.Expect){
		"Nonce":     func(e *attestation.Expect) { e.Nonce = nil },
		"UserData":  func(e *attestation.Expect) { e.UserData = nil },
		"PublicKey": func(e *attestation.Expect) { e.PublicKey = nil },
	} {
		expect := full
		lose(&expect)
		result, err := strict.Verify(replayed, expect)
		assert.ErrorContains(t, err, "Expect."+field+": nil, and Config.Require."+field)
		assert.Nil(t, result)
		_, err = plain.Verify(replayed, expect)
		assert.NoError(t, err, "what is nil on purpose stays possible")
	}
	nothing := h.Attest(attestationtest.Request{Nonce: some})
	_, err = strict.Verify(nothing, attestation.Expect{Nonce: some, NoUserData: true, NoPublicKey: true})
	assert.NoError(t, err, "null is an expectation")
}

// An image can ask for expectations: forgetting one is not accepting it.
func TestAnImageNeedsTheExpectationsOfItsExchange(t *testing.T) {
	t.Parallel()
	h := attestationtest.NewHypervisor(attestationtest.WithSeed([]byte("exchange")))
	v := verifierOf(t, h, func(c *attestation.Config) { c.Policy.Images[0].Exchange = []int{16, 17} })
	manifest, other := pcr.Value{}.Extend([]byte("manifest")), pcr.Value{}.Extend([]byte("other"))
	evidence := h.Attest(attestationtest.Request{PCRs: pcr.Bank{16: manifest, 17: other}})
	for name, test := range map[string]struct {
		want   pcr.Bank
		detail string // of the refusal; empty: accepted
	}{
		"both":          {pcr.Bank{16: manifest, 17: other}, ""},
		"none":          {nil, `PCR16: the image "simulated" needs an expectation`},
		"the other one": {pcr.Bank{16: manifest}, `PCR17: the image "simulated" needs an expectation`},
		"another":       {pcr.Bank{16: manifest, 18: other}, `PCR17: the image "simulated" needs an expectation`},
		"other value":   {pcr.Bank{16: other, 17: other}, "PCR16: found"},
	} {
		result, err := v.Verify(evidence, attestation.Expect{MaxAge: time.Hour, PCRs: test.want})
		if test.detail == "" {
			require.NoError(t, err, name)
			assert.Equal(t, []int{16, 17}, result.Image.Exchange)
			continue
		}
		requireReason(t, attestation.RegisterMismatch, err)
		require.ErrorContains(t, err, test.detail, name)
		assert.Nil(t, result, name)
	}
}

// Whatever a document lists, an exchange expects and an image asks an expectation
// of, the verdict is what three lines say.
func FuzzExpectedRegisters(f *testing.F) {
	f.Add([]byte{0x10, 0x21}, []byte{0x10}, []byte{0x00})
	f.Add([]byte{0x10, 0x21}, []byte{0x11}, []byte{})
	f.Add([]byte{0x00}, []byte{0x00, 0x01}, []byte{0x00, 0x01})
	f.Add([]byte{0x10}, []byte{}, []byte{0x0f})
	h := attestationtest.NewHypervisor(attestationtest.WithSeed([]byte("fuzz")))
	// Each byte is a register from 16 and a value, of which the first is zero.
	bank := func(bytes []byte) pcr.Bank {
		out := pcr.Bank{}
		for _, b := range bytes {
			out[16+int(b&15)] = pcr.Value{b >> 4}
		}
		return out
	}
	f.Fuzz(func(t *testing.T, listed, expected, asked []byte) {
		found, want := bank(listed), bank(expected)
		if len(want) == 0 {
			want = nil
		}
		image := h.Enclave().Image()
		image.Exchange = bank(asked).Registers()
		accept := true
		for register, value := range want {
			got, ok := found[register]
			accept = accept && ok && got == value
		}
		for _, register := range image.Exchange {
			_, ok := want[register]
			accept = accept && ok
		}
		v, err := attestation.NewVerifier(attestation.Config{Policy: pcr.Policy{Images: []pcr.Image{image}}, Roots: h.Roots()})
		require.NoError(t, err)
		result, err := v.Verify(h.Attest(attestationtest.Request{PCRs: found}), attestation.Expect{MaxAge: time.Minute, PCRs: want})
		if accept {
			require.NoError(t, err)
			require.Equal(t, image, result.Image)
			return
		}
		require.ErrorIs(t, err, attestation.RegisterMismatch)
		require.Nil(t, result)
	})
}
