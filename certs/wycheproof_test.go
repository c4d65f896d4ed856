package certs_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/sha512"
	"encoding/hex"
	"encoding/json"
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/nitroattest/nitroattest/certs"
)

// TestWycheproof reads the signatures of Wycheproof as those of certificates are
// read for a SignatureVerifier: no encoding that is not DER gets through, and
// none that is valid is lost.
func TestWycheproof(t *testing.T) {
	t.Parallel()
	data, err := os.ReadFile("../testdata/wycheproof/ecdsa_secp384r1_sha384_test.json")
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
	decode := func(s string) []byte {
		b, err := hex.DecodeString(s)
		require.NoError(t, err)
		return b
	}
	judged, valid := 0, 0
	for _, group := range file.TestGroups {
		key, err := ecdsa.ParseUncompressedPublicKey(elliptic.P384(), decode(group.PublicKey.Uncompressed))
		require.NoError(t, err)
		for _, test := range group.Tests {
			judged++
			digest := sha512.Sum384(decode(test.Msg))
			r, s, ok := certs.SplitSignature(decode(test.Sig))
			accepted := ok && standard(key, digest[:], r, s)
			require.Equal(t, test.Result == "valid", accepted, "%d: %s", test.TcID, test.Comment)
			require.Equal(t, ecdsa.VerifyASN1(key, digest[:], decode(test.Sig)), accepted, "%d: %s", test.TcID, test.Comment)
			if accepted {
				valid++
			}
		}
	}
	require.Equal(t, file.NumberOfTests, judged)
	require.Greater(t, valid, 100)
}
