package vectors_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/nitroattest/nitroattest/attestation"
	"github.com/nitroattest/nitroattest/attestation/attestationtest"
	"github.com/nitroattest/nitroattest/internal/vectors"
)

// reasons returns every constant of type Reason in package attestation, so
// that a new one cannot be forgotten here.
func reasons(t *testing.T) []string {
	var out []string
	for _, reason := range attestation.Reasons() {
		out = append(out, string(reason))
	}
	require.GreaterOrEqual(t, len(out), 18)
	return out
}

// All reasons can come from a document or from what is known to be revoked.
func TestEveryReasonHasACase(t *testing.T) {
	t.Parallel()
	found := map[string]int{}
	for _, group := range read(t).TestGroups {
		for _, test := range group.Tests {
			found[test.Reason]++
		}
	}
	for _, reason := range reasons(t) {
		assert.Positive(t, found[reason], reason)
		delete(found, reason)
	}
	delete(found, "") // valid documents, and policies
	assert.Empty(t, found, "reasons that do not exist")
}

// Each topic of the mutations is a flag, has an invalid case, and names checks
// that exist; and no check is without one.
func TestEveryTopicAndEveryCheckHasACase(t *testing.T) {
	t.Parallel()
	f := read(t)
	valid, invalid := map[string]int{}, map[string]int{}
	for _, group := range f.TestGroups {
		for _, test := range group.Tests {
			for _, flag := range test.Flags {
				require.Contains(t, f.Notes, flag, "%s: a flag without a note", test.Name)
				if test.Result == vectors.Valid {
					valid[flag]++
				} else {
					invalid[flag]++
				}
			}
		}
	}
	checks := map[string]bool{}
	for _, info := range attestationtest.Topics() {
		flag := string(info.Topic)
		require.Contains(t, f.Notes, flag)
		assert.Equal(t, info.Description, f.Notes[flag].Description)
		assert.Positive(t, invalid[flag], flag)
		t.Logf("%s: %d valid, %d invalid", flag, valid[flag], invalid[flag])
		for _, check := range info.Checks {
			checks[check] = true
		}
	}
	for _, check := range attestation.CheckNames() {
		assert.True(t, checks[check], check)
	}
	for flag := range f.Notes {
		assert.Positive(t, valid[flag]+invalid[flag], flag)
	}
}

func TestNumbersAndNames(t *testing.T) {
	t.Parallel()
	f := read(t)
	names := map[string]bool{}
	roots, policies := map[string]bool{}, map[string]bool{}
	count := 0
	for _, group := range f.TestGroups {
		for _, test := range group.Tests {
			count++
			assert.Equal(t, count, test.ID)
			assert.False(t, names[test.Name], test.Name)
			names[test.Name] = true
			assert.Equal(t, group.Type == vectors.Policies, test.PolicyText != "", test.Name)
			assert.Equal(t, group.Type == vectors.Policies, test.Config == nil, test.Name)
			if test.Config == nil {
				assert.Empty(t, test.Reason)
				assert.Equal(t, vectors.Author, test.Attacker, test.Name)
				assert.True(t, !test.Acceptable || test.Result == vectors.Invalid, test.Name)
				continue
			}
			assert.Contains(t, []string{vectors.Anyone, vectors.Enclave, vectors.Issuer}, test.Attacker, test.Name)
			if test.Acceptable {
				assert.Equal(t, vectors.Invalid, test.Result, test.Name)
				assert.NotEqual(t, vectors.Enclave, test.Attacker, "%s: whoever runs an enclave could make it", test.Name)
				assert.False(t, attestation.Reason(test.Reason).Authentic(), "%s: what is about freshness, policy or binding is not a matter of taste", test.Name)
			}
			assert.Equal(t, test.Result == vectors.Valid, test.Reason == "", test.Name)
			assert.Equal(t, test.Result == vectors.Valid, test.Image != "", test.Name)
			assert.NotNil(t, test.Evidence, test.Name)
			assert.Contains(t, f.Roots, test.Config.Root)
			assert.Contains(t, f.Policies, test.Config.Policy)
			roots[test.Config.Root], policies[test.Config.Policy] = true, true
		}
	}
	assert.Equal(t, f.NumberOfTests, count)
	assert.Len(t, roots, len(f.Roots), "roots that no test uses")
	assert.Len(t, policies, len(f.Policies), "policies that no test uses")
}

// Who can make a case is computed; these were thought through by hand.
func TestAttackers(t *testing.T) {
	t.Parallel()
	want := map[string]string{
		"tag-self-described": vectors.Anyone, "unprotected-kid": vectors.Anyone, "input-cut-in-half": vectors.Anyone,
		"signature-first-bit": vectors.Anyone, "root-look-alike": vectors.Anyone, "signature-95-bytes": vectors.Anyone,
		"input-twice": vectors.Anyone, "input-wrapped-in-bytes": vectors.Anyone,
		"debug-mode": vectors.Enclave, "pcr-other-image": vectors.Enclave, "exchange-bit": vectors.Enclave,
		"expected-nonce-missing": vectors.Issuer, "expected-user-data-in-public-key": vectors.Enclave,
		"expected-no-user-data-some": vectors.Enclave, "exchange-missing": vectors.Enclave,
		"pcr-0-missing": vectors.Issuer, "cbor-chunked-nonce": vectors.Issuer, "protected-kid": vectors.Issuer,
		"chain-path-length-zonal": vectors.Issuer, "bundle-reversed-below-root": vectors.Issuer,
		"cbor-payload-twice": vectors.Issuer, "payload-empty": vectors.Issuer, "payload-detached": vectors.Anyone, "array-of-none": vectors.Anyone,
		"accept-indefinite-pcrs": vectors.Issuer, "accept-definite-map": vectors.Issuer, "accept-17-registers": vectors.Enclave, "accept-unchanged": vectors.Anyone,
		"timestamp-stale": vectors.Anyone, "kind-nitrotpm": vectors.Enclave,
		"field-digest-md5": vectors.Issuer, "cbor-duplicate-nonce": vectors.Issuer,
	}
	for _, group := range read(t).TestGroups {
		for _, test := range group.Tests {
			if attacker, ok := want[test.Name]; ok {
				assert.Equal(t, attacker, test.Attacker, "%s: %s", test.Name, test.Comment)
				delete(want, test.Name)
			}
		}
	}
	assert.Empty(t, want, "no such cases")
}
