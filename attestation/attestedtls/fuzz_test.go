package attestedtls_test

import (
	"encoding/base64"
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/nitroattest/nitroattest/attestation/attestedtls"
)

// No answer makes a decoder panic, and none comes with a document beside an error.
// What encoding/json reads in the same way is the same document.
func FuzzDecoders(f *testing.F) {
	for _, seed := range []string{"", "8443", `{"a": {"b": "hEM="}}`, `{"a": {"b": "hEM=", "b": ""}}`, `{"a": [{"b": "hEM="}]}`, `"hEM="`, `{"A": {"b": "hEM="}}`} {
		f.Add([]byte(seed))
	}
	decode := attestedtls.DecodeJSON("a", "b")
	f.Fuzz(func(t *testing.T, body []byte) {
		if document, err := attestedtls.DecodeHex(body); err != nil {
			require.Nil(t, document)
		}
		document, err := decode(body)
		if err != nil {
			require.Nil(t, document)
			return
		}
		var other struct {
			A map[string]json.RawMessage `json:"a"`
		}
		var all map[string]json.RawMessage
		require.NoError(t, json.Unmarshal(body, &all))
		require.NoError(t, json.Unmarshal(all["a"], &other.A))
		var text string
		require.NoError(t, json.Unmarshal(other.A["b"], &text))
		want, err := base64.StdEncoding.DecodeString(strings.TrimSpace(text)) // as documents in base64 end in a line end
		require.NoError(t, err)
		require.Equal(t, want, document)
	})
}
