package service_test

import (
	"encoding/base64"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/nitroattest/nitroattest/attestation"
	"github.com/nitroattest/nitroattest/attestation/attestationtest"
	"github.com/nitroattest/nitroattest/pcr"
)

var (
	measured = pcr.Extend(pcr.Value{}, []byte("manifest")).String()
	other    = pcr.Extend(pcr.Value{}, []byte("other manifest")).String()
	nothing  = pcr.Value{}.String()
)

// measuring is a request with a document in which register 16 is measured, 17 is
// zero, and no other beyond 15 is there.
func measuring(t *testing.T, k *kit) object {
	t.Helper()
	manifest, err := pcr.ParseValue(measured)
	require.NoError(t, err)
	c := k.challenge(t, "")
	return object{"policy": "prod", "challenge": c, "ear": "always",
		"document": k.attest(t, c, attestationtest.Request{PCRs: pcr.Bank{16: manifest, 17: {}}})}
}

func check(t *testing.T, verdict object, name string) object {
	t.Helper()
	for _, each := range verdict["checks"].([]any) {
		if each := each.(object); each["name"] == name {
			return each
		}
	}
	require.Fail(t, "no such check", name)
	return nil
}

func TestRegistersOfAnExchange(t *testing.T) {
	k := newKit(t)
	for _, c := range []struct {
		name     string
		expected object
		reason   string
		detail   string // of a refusal
	}{
		{"none", nil, "", ""},
		{"measured", object{"16": measured}, "", ""},
		{"as policies may have it", object{"PCR16": "0x" + strings.ToUpper(measured)}, "", ""},
		{"zero", object{"17": nothing}, "", ""},
		{"both", object{"16": measured, "17": nothing}, "", ""},
		{"other", object{"16": other}, "register-mismatch", "PCR16: found " + measured + ", expected " + other},
		{"zero where something is", object{"16": nothing}, "register-mismatch", "PCR16: found " + measured + ", expected " + nothing},
		{"absent", object{"18": measured}, "register-mismatch", "PCR18: found nothing, expected " + measured},
		{"zero where nothing is", object{"31": nothing}, "register-mismatch", "PCR31: found nothing, expected " + nothing},
		{"one of two", object{"16": measured, "17": other}, "register-mismatch", "PCR17: found " + nothing + ", expected " + other},
	} {
		t.Run(c.name, func(t *testing.T) {
			request := measuring(t, k)
			if c.expected != nil {
				request["pcrs"] = c.expected
			}
			verdict := k.verify(t, request)
			assert.Equal(t, c.reason, verdict["reason"])
			assert.Equal(t, c.detail, verdict["detail"])
			assert.Equal(t, c.reason == "", verdict["accepted"])
			made := check(t, verdict, attestation.CheckExchangeRegisters)
			assert.Equal(t, c.reason, made["reason"])
			assert.Equal(t, c.detail != "", made["status"] == "fail")
			assert.Equal(t, c.expected == nil, made["status"] == "skipped")
			assert.Len(t, verdict["registers"], len(c.expected))

			if c.reason != "" { // and the challenge is as good as before
				brief := k.verify(t, with(request, "report", "brief"))
				assert.Equal(t, c.reason, brief["reason"])
				assert.Equal(t, c.detail, brief["detail"])
			}
		})
	}
}

// Who gets an attestation result has not seen the request: the result says which
// registers it is about.
func TestExpectedRegistersAreInTheResult(t *testing.T) {
	k := newKit(t)
	own := func(expected any) object {
		_, submod := k.submod(t, k.verify(t, with(measuring(t, k), "pcrs", expected)))
		return submod["github.com/nitroattest/nitroattest"].(object)
	}
	assert.NotContains(t, own(nil), "exchange_registers")
	assert.Equal(t, object{"16": measured}, own(object{"16": measured})["exchange_registers"])
	assert.Equal(t, object{"16": measured}, own(object{"16": other})["exchange_registers"], "what was found")
	assert.Equal(t, object{}, own(object{"18": other})["exchange_registers"])
}

// Forgetting is not accepting.
func TestAnImageThatNeedsAnExpectation(t *testing.T) {
	k := newKit(t, func(k *kit) {
		image := k.hypervisor.Enclave().Image()
		image.Exchange = []int{16, 17}
		k.write(t, "prod.json", policyJSON(t, image))
		k.config.Policies = k.load(t, attestation.Config{})
	})
	for _, forgotten := range []any{nil, object{"16": measured}, object{"17": nothing}} {
		verdict := k.verify(t, with(measuring(t, k), "pcrs", forgotten))
		assert.Equal(t, false, verdict["accepted"])
		assert.Equal(t, "register-mismatch", verdict["reason"])
		assert.Contains(t, verdict["detail"], "needs an expectation of its value in every exchange, and there is none")
	}
	verdict := k.verify(t, with(measuring(t, k), "pcrs", object{"16": measured, "17": nothing}))
	assert.Equal(t, true, verdict["accepted"])
	assert.Equal(t, []any{16.0, 17.0}, verdict["image"].(object)["exchange"])
}

func TestFieldsThatHaveToBeNull(t *testing.T) {
	k := newKit(t)
	for member, field := range map[string]string{"no_user_data": "user-data", "no_public_key": "public-key"} {
		for _, c := range []struct {
			document attestationtest.Request
			asked    any
			reason   string
		}{
			{attestationtest.Request{}, true, ""},
			{attestationtest.Request{UserData: []byte{1}, PublicKey: []byte{1}}, true, field + "-mismatch"},
			{attestationtest.Request{UserData: []byte{}, PublicKey: []byte{}}, true, field + "-mismatch"},
			{attestationtest.Request{UserData: []byte{1}, PublicKey: []byte{1}}, false, ""},
			{attestationtest.Request{UserData: []byte{1}, PublicKey: []byte{1}}, nil, ""},
		} {
			ch := k.challenge(t, "")
			verdict := k.verify(t, object{"policy": "prod", "challenge": ch, "document": k.attest(t, ch, c.document), member: c.asked})
			assert.Equal(t, c.reason, verdict["reason"])
			made := check(t, verdict, field)
			assert.Equal(t, c.reason, made["reason"])
			assert.Equal(t, c.asked != true, made["status"] == "skipped")
		}
	}
}

// What cannot be asked for is told in the words of the request, before anything
// is verified.
func TestExpectationsThatCannotBeUsed(t *testing.T) {
	k := newKit(t)
	good := measuring(t, k)
	for _, c := range []struct {
		member string
		value  any
		detail string
	}{
		{"pcrs", object{"0": measured}, "pcrs.0: enclave image, which belongs into an image of the policy; expected registers 16 to 31, which change after boot"},
		{"pcrs", object{"PCR8": measured}, "pcrs.8: image signing certificate, which belongs into an image of the policy; expected registers 16 to 31, which change after boot"},
		{"pcrs", object{}, "pcrs: empty, expected at least one register"},
		{"pcrs", object{"32": measured}, `pcrs.32: found register "32", expected "0" to "31" or "PCR0" to "PCR31"`},
		{"pcrs", object{"16": measured, "PCR16": measured}, "pcrs.PCR16: register 16 is given twice"},
		{"pcrs", object{"16": measured[1:]}, "pcrs.16: found 95 characters, expected 96 hex digits"},
		{"pcrs", object{"16": nil}, "pcrs.16: found null, expected a string"},
		{"pcrs", []any{measured}, "pcrs: found an array, expected an object"},
		{"pcrs", measured, "pcrs: found a string, expected an object"},
		{"no_user_data", "yes", `body: found a JSON string at "/no_user_data", expected another type`},
	} {
		answer := k.refused(t, with(good, c.member, c.value), 400, "invalid-request")
		assert.Equal(t, c.detail, answer["detail"])
	}
	for _, field := range []string{"user_data", "public_key"} {
		answer := k.refused(t, with(with(good, "no_"+field, true), field, ""), 400, "invalid-request")
		assert.Equal(t, "no_"+field+": set beside "+field+", expected one of them", answer["detail"])
	}
	assert.Equal(t, true, k.verify(t, good)["accepted"], "none of them used the challenge up")
}

func TestExpectationsInAQuery(t *testing.T) {
	k := newKit(t)
	k.undescribed = true // the validator knows no bodies that are neither JSON nor text
	request := measuring(t, k)
	document, err := base64.StdEncoding.DecodeString(request["document"].(string))
	require.NoError(t, err)
	send := func(status int, more ...string) object {
		query := url.Values{"policy": {"prod"}, "challenge": {request["challenge"].(string)}}
		for i := 0; i < len(more); i += 2 {
			query.Add(more[i], more[i+1])
		}
		response, answer := k.verifyCOSE(t, "application/cose", query, document)
		require.Equal(t, status, response.StatusCode, "%v", answer)
		return answer
	}
	for detail, more := range map[string][]string{
		"pcrs.PCR16: register 16 is given twice":                     {"pcrs[16]", measured, "pcrs[PCR16]", measured},
		"query: found a parameter twice":                             {"pcrs[16]", measured, "pcrs[16]", other},
		"query: found a parameter that /openapi.json does not list":  {"pcrs", "{}"},
		"pcrs.16: found 0 characters, expected 96 hex digits":        {"pcrs[16]", ""},
		"no_user_data: found something else, expected true or false": {"no_user_data", "1"},
		"no_public_key: set beside public_key, expected one of them": {"no_public_key", "true", "public_key", "00"},
	} {
		assert.Equal(t, detail, send(400, more...)["detail"])
	}
	assert.Equal(t, "register-mismatch", send(200, "pcrs[16]", other)["reason"])
	assert.Equal(t, true, send(200, "pcrs[16]", measured, "pcrs[17]", nothing, "no_user_data", "true", "no_public_key", "false")["accepted"])
}

// A module ID of a form that nobody has seen is accepted by a server that says so
// only.
func TestAnyModuleIDIsLoud(t *testing.T) {
	for _, any := range []bool{true, false} {
		k := newKit(t, func(k *kit) {
			k.write(t, "prod.json", policyJSON(t, k.hypervisor.Enclave().Image()))
			k.config.Policies = k.load(t, attestation.Config{InsecureAnyModuleID: any})
		})
		c := k.challenge(t, "")
		nonce, err := base64.RawURLEncoding.DecodeString(c)
		require.NoError(t, err)
		b := k.hypervisor.Blueprint(attestationtest.Request{Nonce: nonce})
		b.SetModuleID("something-else")
		verdict := k.verify(t, object{"policy": "prod", "challenge": c, "document": base64.StdEncoding.EncodeToString(b.Document())})
		assert.Equal(t, any, verdict["accepted"])
	}
}
