package service_test

import (
	"bytes"
	"encoding/base64"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/nitroattest/nitroattest/attestation/attestationtest"
)

func (k *kit) verifyCOSE(t *testing.T, media string, query url.Values, document []byte) (*http.Response, object) {
	t.Helper()
	request := httptest.NewRequest("POST", "/v1/verify?"+query.Encode(), bytes.NewReader(document))
	request.Header.Set("Content-Type", media)
	return k.do(t, request)
}

func TestADocumentAsItCame(t *testing.T) {
	k := newKit(t)
	k.undescribed = true // the validator knows no bodies that are neither JSON nor text
	c := k.challenge(t, "session")
	document, err := base64.StdEncoding.DecodeString(k.attest(t, c, attestationtest.Request{UserData: []byte{1}}))
	require.NoError(t, err)
	good := url.Values{"policy": {"prod"}, "challenge": {c}, "context": {"session"}, "user_data": {"01"}, "report": {"brief"}, "ear": {"accepted"}}
	changed := func(name string, values ...string) url.Values {
		query := url.Values{}
		for k, v := range good {
			query[k] = v
		}
		query[name] = values
		return query
	}
	for _, c := range []struct {
		media    string
		query    url.Values
		document []byte
		status   int
		problem  string
	}{
		{"application/cose", changed("policy", "none"), document, 404, "unknown-policy"},
		{"application/cose", changed("policy", "prod", "prod"), document, 400, "invalid-request"},
		{"application/cose", changed("other", "1"), document, 400, "invalid-request"},
		{"application/cose", changed("max_age", "+1"), document, 400, "invalid-request"},
		{"application/cose", changed("max_age", "1.5"), document, 400, "invalid-request"},
		{"application/cose", changed("context", ""), document, 400, "invalid-request"},
		{"application/cose", changed("ear", "sometimes"), document, 400, "invalid-request"},
		{"application/cose", good, nil, 400, "invalid-request"},
		{"application/cose; cose-type=cose-sign", good, document, 415, "unsupported-media-type"},
		{"application/cbor", good, document, 415, "unsupported-media-type"},
		{"application/json", good, []byte("{}"), 400, "invalid-request"}, // a query says nothing beside JSON
		{"application/cose", good, make([]byte, 200<<10), 413, "too-large"},
	} {
		response, answer := k.verifyCOSE(t, c.media, c.query, c.document)
		requireProblem(t, response, answer, c.status, c.problem)
	}
	_, answer := k.verifyCOSE(t, "application/cose", changed("user_data", "02"), document)
	assert.Equal(t, "user-data-mismatch", answer["reason"])
	response, answer := k.verifyCOSE(t, `application/cose; cose-type="cose-sign1"`, good, document)
	require.Equal(t, 200, response.StatusCode, "%v", answer)
	assert.Equal(t, true, answer["accepted"], "%v", answer)
	assert.Equal(t, "brief", answer["report"])
	assert.NotEmpty(t, answer["ear"])
	_, answer = k.verifyCOSE(t, "application/cose", changed("report", "full"), document)
	assert.Equal(t, "nonce-already-redeemed", answer["reason"])
}
