package fastp384_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/nitroattest/nitroattest/attestation"
	"github.com/nitroattest/nitroattest/attestation/fastp384"
	"github.com/nitroattest/nitroattest/internal/vectors"
)

var _ attestation.SignatureVerifier = fastp384.New()

// TestVectors judges every document of testdata/vectors, alone and in sequences,
// with both verifiers of signatures: the verdict, and all that is said about it,
// is the same and the one that it should be.
func TestVectors(t *testing.T) {
	t.Parallel()
	file, err := vectors.Read("../../testdata/vectors/vectors.json")
	require.NoError(t, err)
	judged := 0
	for _, group := range file.TestGroups {
		if group.Type == vectors.Policies || testing.Short() && group.Type == vectors.Documents {
			continue
		}
		var now time.Time
		var both [2]*attestation.Verifier
		for i, test := range group.Tests {
			if i == 0 || group.Type != vectors.Sequence {
				for j, signatures := range []attestation.SignatureVerifier{nil, fastp384.New()} {
					config, err := file.VerifierConfig(test.Config, &now)
					require.NoError(t, err, test.Name)
					config.Signatures = signatures
					both[j], err = attestation.NewVerifier(config)
					require.NoError(t, err, test.Name)
				}
			}
			now, err = time.Parse(time.RFC3339, test.Time)
			require.NoError(t, err)
			expect, err := test.Expectation.Expect()
			require.NoError(t, err)
			var said [2]string
			for j, verifier := range both {
				result, err := verifier.Verify(test.Evidence, expect)
				require.Equal(t, test.Result == vectors.Valid, err == nil, test.Name)
				if err != nil {
					require.True(t, errors.Is(err, attestation.Reason(test.Reason)), test.Name)
					said[j] = err.Error()
				} else {
					said[j] = fmt.Sprint(result.Image.Name, result.FreshUntil, result.Document)
				}
			}
			require.Equal(t, said[0], said[1], test.Name)
			judged++
		}
	}
	require.True(t, testing.Short() || judged > 600, judged)
}
