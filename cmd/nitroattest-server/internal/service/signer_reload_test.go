package service_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"encoding/pem"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/nitroattest/nitroattest/cmd/nitroattest-server/internal/service"
)

// keyFileKit signs with what is in a file.
func keyFileKit(t *testing.T) (k *kit, path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "ear.pem")
	k = newKit(t, func(k *kit) {
		require.NoError(t, os.WriteFile(path, pkcs8(t, k.earKey), 0o600))
		var err error
		k.config.Signer, err = service.LoadSigner(k.config.Files, path, "v0.0.0-test")
		require.NoError(t, err)
	})
	return k, path
}

// keyIDs returns those of /v1/keys in their order.
func (k *kit) keyIDs(t *testing.T) []string {
	t.Helper()
	_, set := k.send(t, "GET", "/v1/keys", "")
	var ids []string
	for _, key := range set["keys"].([]any) {
		ids = append(ids, key.(object)["kid"].(string))
	}
	return ids
}

// result returns the ID of the key of a new attestation result, which key has
// signed.
func (k *kit) result(t *testing.T, key *ecdsa.PrivateKey) string {
	t.Helper()
	verdict := k.verify(t, with(k.good(t), "ear", "accepted"))
	require.Equal(t, true, verdict["accepted"], "%v", verdict["detail"])
	header, _ := readToken(t, verdict["ear"].(string), &key.PublicKey)
	return header["kid"].(string)
}

func TestTheSigningKeyFollowsItsFile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		// The clock begins in 2000, before there were Nitro enclaves.
		time.Sleep(time.Until(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)))
		k, path := keyFileKit(t)
		replace := func(key *ecdsa.PrivateKey) {
			require.NoError(t, os.WriteFile(path, pkcs8(t, key), 0o600))
			k.reload()
		}
		first := k.result(t, k.earKey)
		assert.Equal(t, []string{first}, k.keyIDs(t))

		other := newKey(t, elliptic.P384())
		replace(other)
		second := k.result(t, other)
		assert.NotEqual(t, first, second)
		assert.Equal(t, []string{second, first}, k.keyIDs(t))
		assert.Contains(t, k.log.String(), `"msg":"file loaded","kind":"ear-key","files":"`+path+`","id":"`+second+`"`)

		// The first one is listed until ten minutes after it was replaced, which
		// is longer than any result of it is valid.
		time.Sleep(10*time.Minute - 1)
		assert.Equal(t, []string{second, first}, k.keyIDs(t))
		time.Sleep(time.Nanosecond)
		assert.Equal(t, []string{second}, k.keyIDs(t))

		// Several may be replaced in that time; whichever comes back is listed
		// once.
		third := newKey(t, elliptic.P384())
		replace(third)
		replace(k.earKey)
		assert.Equal(t, []string{first, k.idOf(t, third), second}, k.keyIDs(t))
		replace(other)
		assert.Equal(t, []string{second, first, k.idOf(t, third)}, k.keyIDs(t))
		assert.Equal(t, second, k.result(t, other))
	})
}

// idOf is the ID that another service gives a key.
func (k *kit) idOf(t *testing.T, key *ecdsa.PrivateKey) string {
	t.Helper()
	other := newKit(t, func(k *kit) {
		var err error
		k.config.Signer, err = service.ParseSigner(pkcs8(t, key), "")
		require.NoError(t, err)
	})
	return other.keyIDs(t)[0]
}

func TestABrokenKeyFileKeepsTheOldKeyAndIsReported(t *testing.T) {
	k, path := keyFileKit(t)
	first := k.result(t, k.earKey)
	whole := pkcs8(t, newKey(t, elliptic.P384()))
	for name, test := range map[string]struct {
		contents []byte
		text     string
	}{
		"empty":         {nil, "found no PEM block"},
		"cut off":       {whole[:len(whole)-20], "found no PEM block"},
		"another curve": {pkcs8(t, newKey(t, elliptic.P256())), "found a key on P-256, expected P-384"},
	} {
		t.Run(name, func(t *testing.T) {
			require.NoError(t, os.WriteFile(path, test.contents, 0o600))
			k.reload()
			assert.Equal(t, first, k.result(t, k.earKey))
			assert.Equal(t, []string{first}, k.keyIDs(t))
			response, state := k.send(t, "GET", "/readyz", "")
			assert.Equal(t, 200, response.StatusCode)
			assert.Contains(t, state["broken"].(object)["--ear-key "+path], path+": "+test.text)
			assert.Equal(t, []any{object{"kind": "ear-key", "paths": []any{path}, "id": first}}, state["files"])
			assert.Contains(t, k.metrics(t), `nitroattest_file_broken{file="`+path+`",kind="ear-key"} 1`)
			k.requireNoSecret(t, test.contents)
		})
	}
	require.NoError(t, os.WriteFile(path, append([]byte("the same key\n"), pkcs8(t, k.earKey)...), 0o600))
	k.reload()
	_, state := k.send(t, "GET", "/readyz", "")
	assert.Empty(t, state["broken"])
	assert.Equal(t, []string{first}, k.keyIDs(t))
	k.requireNoSecret(t, pkcs8(t, k.earKey))
}

// requireNoSecret looks for the lines of a PEM file in all that the service says.
func (k *kit) requireNoSecret(t *testing.T, file []byte) {
	t.Helper()
	_, state := k.send(t, "GET", "/readyz", "")
	told := k.log.String() + k.metrics(t) + toJSON(t, state)
	block, _ := pem.Decode(file)
	for _, line := range bytes.Split(file, []byte("\n")) {
		if len(line) > 20 && !bytes.HasPrefix(line, []byte("-----")) {
			require.NotContains(t, told, string(line))
		}
	}
	if block != nil {
		require.NotContains(t, told, string(block.Bytes))
	}
}

func TestAtTheStartTheKeyHasToBeGood(t *testing.T) {
	signer, err := service.LoadSigner(service.NewFiles(nil), filepath.Join(t.TempDir(), "none"), "")
	assert.ErrorIs(t, err, os.ErrNotExist)
	assert.Nil(t, signer)
}
