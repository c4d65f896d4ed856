package fastp384_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/sha512"
	"encoding/hex"
	"encoding/json"
	"os"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestWycheproof judges the signatures of Wycheproof as r || s. Those of another
// length than 96 bytes never get here; the others get the verdict they should.
func TestWycheproof(t *testing.T) {
	t.Parallel()
	data, err := os.ReadFile("../../testdata/wycheproof/ecdsa_secp384r1_sha384_p1363_test.json")
	require.NoError(t, err)
	var file struct {
		NumberOfTests int
		TestGroups    []struct {
			PublicKey struct{ Uncompressed string }
			Tests     []struct {
				TcID                      int
				Comment, Msg, Sig, Result string
			}
		}
	}
	require.NoError(t, json.Unmarshal(data, &file))
	bytes := func(s string) []byte {
		b, err := hex.DecodeString(s)
		require.NoError(t, err)
		return b
	}
	judged, valid := 0, 0
	for _, group := range file.TestGroups {
		key, err := ecdsa.ParseUncompressedPublicKey(elliptic.P384(), bytes(group.PublicKey.Uncompressed))
		require.NoError(t, err)
		for _, test := range group.Tests {
			judged++
			signature := bytes(test.Sig)
			if len(signature) != 96 {
				require.Equal(t, "invalid", test.Result, test.Comment)
				continue
			}
			digest := sha512.Sum384(bytes(test.Msg))
			got := requireSame(t, key, digest[:], signature[:48], signature[48:])
			require.Equal(t, test.Result == "valid", got, "%d: %s", test.TcID, test.Comment)
			if got {
				valid++
			}
		}
	}
	require.Equal(t, file.NumberOfTests, judged)
	require.Greater(t, valid, 100)
}
