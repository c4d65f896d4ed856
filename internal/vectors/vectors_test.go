package vectors_test

import (
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/nitroattest/nitroattest/attestation"
	"github.com/nitroattest/nitroattest/internal/vectors"
)

const path = "../../testdata/vectors/vectors.json"

func read(t *testing.T) *vectors.File {
	t.Helper()
	f, err := vectors.Read(path)
	require.NoError(t, err)
	return f
}

// every is how many tests of a long table one is taken of with -short, which is
// for the race detector and for FIPS mode.
func every() int {
	if testing.Short() {
		return 8
	}
	return 1
}

func TestDocuments(t *testing.T) {
	t.Parallel()
	f := read(t)
	for _, group := range f.TestGroups {
		if group.Type != vectors.Documents {
			continue
		}
		for i, test := range group.Tests {
			if i%every() != 0 {
				continue
			}
			t.Run(test.Name, func(t *testing.T) {
				t.Parallel()
				var now time.Time
				config, err := f.VerifierConfig(test.Config, &now)
				require.NoError(t, err)
				judge(t, verifier(t, config), test, &now)
			})
		}
	}
}

// Each sequence is judged with the cache, with one so small that chains keep
// being forgotten, and without.
func TestSequences(t *testing.T) {
	t.Parallel()
	f := read(t)
	sequences := 0
	for _, group := range f.TestGroups {
		if group.Type != vectors.Sequence {
			continue
		}
		sequences++
		for name, size := range map[string]int{"cached": 0, "cache of two": 2, "not cached": attestation.NoCache} {
			t.Run(group.Tests[0].Name+"/"+name, func(t *testing.T) {
				var now time.Time
				config, err := f.VerifierConfig(group.Tests[0].Config, &now)
				require.NoError(t, err)
				config.Limits.CachedCertificates = size
				v := verifier(t, config)
				for _, test := range group.Tests {
					require.Equal(t, group.Tests[0].Config, test.Config)
					judge(t, v, test, &now)
				}
			})
		}
	}
	assert.Positive(t, sequences)
}

func verifier(t *testing.T, config attestation.Config) *attestation.Verifier {
	t.Helper()
	v, err := attestation.NewVerifier(config)
	require.NoError(t, err)
	return v
}

// judge asserts the exact reason, that there is no result beside an error, and
// that Verify and the report agree.
func judge(t *testing.T, v *attestation.Verifier, test vectors.Test, now *time.Time) {
	t.Helper()
	var err error
	*now, err = time.Parse(time.RFC3339, test.Time)
	require.NoError(t, err)
	expect, err := test.Expectation.Expect()
	require.NoError(t, err)

	result, verifyErr := v.Verify(test.Evidence, expect)
	report := v.Appraise(test.Evidence, expect)
	reported, reportErr := report.Result()
	assert.Equal(t, verifyErr, reportErr, test.Name)
	assert.Equal(t, result, reported, test.Name)
	assert.Equal(t, verifyErr == nil, report.Accepted(), test.Name)

	if test.Result == vectors.Valid {
		require.NoError(t, verifyErr, "%s: %s", test.Name, test.Comment)
		assert.Equal(t, test.Image, result.Image.Name, test.Name)
		assert.True(t, result.Verified())
		assert.True(t, now.Equal(result.VerifiedAt), test.Name)
		return
	}
	assert.Nil(t, result, test.Name)
	var refused *attestation.Error
	require.ErrorAs(t, verifyErr, &refused, "%s: %s", test.Name, test.Comment)
	assert.Equal(t, test.Reason, string(refused.Reason), "%s: %s: %v", test.Name, test.Comment, verifyErr)
	assert.ErrorIs(t, verifyErr, refused.Reason)
	assert.Equal(t, refused.Reason.Authentic(), report.Authentic(), test.Name)
	assert.Equal(t, firstFailure(report), refused.Reason, test.Name)
}

func firstFailure(report *attestation.Report) attestation.Reason {
	for _, check := range report.Checks {
		if check.Status == attestation.Fail {
			return check.Reason
		}
	}
	return ""
}

// A policy is refused when it is read or, at the latest, when a verifier is
// made of it.
func TestPolicies(t *testing.T) {
	t.Parallel()
	for _, group := range read(t).TestGroups {
		if group.Type != vectors.Policies {
			continue
		}
		for _, test := range group.Tests {
			t.Run(test.Name, func(t *testing.T) {
				policy, err := vectors.ReadPolicy(test.PolicyText, test.Kind)
				if test.Result == vectors.Invalid {
					require.Error(t, err, test.Comment)
					assert.Zero(t, policy)
				} else {
					require.NoError(t, err, test.Comment)
				}
				v, err := attestation.NewVerifier(attestation.Config{Policy: policy, Kind: attestation.Kind(test.Kind)})
				if test.Result == vectors.Invalid {
					require.Error(t, err)
					assert.Nil(t, v)
					var refused *attestation.Error
					assert.False(t, errors.As(err, &refused), "there is no document to refuse")
				} else {
					require.NoError(t, err)
				}
			})
		}
	}
}
