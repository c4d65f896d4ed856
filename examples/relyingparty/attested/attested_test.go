package attested_test

import (
	"bytes"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/nitroattest/nitroattest/attestation"
	"github.com/nitroattest/nitroattest/attestation/attestationtest"
	"github.com/nitroattest/nitroattest/attestation/challenge"
	"github.com/nitroattest/nitroattest/attestation/recipient"
	"github.com/nitroattest/nitroattest/examples/relyingparty/attested"
	"github.com/nitroattest/nitroattest/pcr"
)

type kit struct {
	http.Handler
	hypervisor *attestationtest.Hypervisor
	key        *rsa.PrivateKey
	public     []byte
}

func newKit(t *testing.T, lifetime time.Duration, capacity int) *kit {
	t.Helper()
	k := &kit{hypervisor: attestationtest.NewHypervisor()}
	verifier, err := attestation.NewVerifier(attestation.Config{
		Policy: pcr.Policy{Images: []pcr.Image{k.hypervisor.Enclave().Image()}}, Roots: k.hypervisor.Roots()})
	require.NoError(t, err)
	store, err := challenge.NewMemory(100)
	require.NoError(t, err)
	issuer, err := challenge.New(challenge.Config{Store: store})
	require.NoError(t, err)
	sessions, err := attested.New(attested.Config{Verifier: verifier, Issuer: issuer, Lifetime: lifetime, Capacity: capacity})
	require.NoError(t, err)
	k.Handler = sessions.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = w.Write([]byte(attested.From(r).Document.ModuleID))
	}))
	k.key, err = rsa.GenerateKey(rand.Reader, 2048)
	require.NoError(t, err)
	k.public, err = x509.MarshalPKIXPublicKey(&k.key.PublicKey)
	require.NoError(t, err)
	return k
}

func (k *kit) send(method, path, authorization, body string) *httptest.ResponseRecorder {
	request := httptest.NewRequest(method, path, strings.NewReader(body))
	if authorization != "" {
		request.Header.Set("Authorization", authorization)
	}
	recorder := httptest.NewRecorder()
	k.ServeHTTP(recorder, request)
	return recorder
}

func (k *kit) challenge(t *testing.T) []byte {
	t.Helper()
	var answer attested.Challenge
	recorder := k.send("POST", "/challenge", "", "")
	require.Equal(t, 200, recorder.Code)
	require.NoError(t, json.Unmarshal(recorder.Body.Bytes(), &answer))
	return answer.Nonce
}

func (k *kit) present(t *testing.T, document []byte) *httptest.ResponseRecorder {
	t.Helper()
	body, err := json.Marshal(attested.Evidence{Document: document})
	require.NoError(t, err)
	return k.send("POST", "/session", "", string(body))
}

func (k *kit) session(t *testing.T) string {
	t.Helper()
	recorder := k.present(t, k.hypervisor.Attest(attestationtest.Request{Nonce: k.challenge(t), PublicKey: k.public}))
	require.Equal(t, 200, recorder.Code, recorder.Body)
	var session attested.Session
	require.NoError(t, json.Unmarshal(recorder.Body.Bytes(), &session))
	key, err := recipient.Open(session.Key, k.key)
	require.NoError(t, err)
	assert.False(t, bytes.Contains(recorder.Body.Bytes(), key))
	return string(key)
}

func TestASessionLeadsToTheHandler(t *testing.T) {
	k := newKit(t, time.Hour, 10)
	key := k.session(t)
	recorder := k.send("GET", "/", "Bearer "+key, "")
	assert.Equal(t, 200, recorder.Code)
	assert.Equal(t, k.hypervisor.Enclave().ModuleID(), recorder.Body.String())
	for _, authorization := range []string{"", key, "Bearer ", "Bearer " + key[1:], "Bearer " + key + " "} {
		assert.Equal(t, http.StatusUnauthorized, k.send("GET", "/", authorization, "").Code, authorization)
	}
}

func TestDocumentsThatOpenNoSession(t *testing.T) {
	k := newKit(t, time.Hour, 10)
	other := attestationtest.NewHypervisor()
	used := k.hypervisor.Attest(attestationtest.Request{Nonce: k.challenge(t), PublicKey: k.public})
	require.Equal(t, 200, k.present(t, used).Code)
	for name, c := range map[string]struct {
		document []byte
		reason   string
	}{
		"used before":        {used, "nonce-already-redeemed"},
		"another hypervisor": {other.Attest(attestationtest.Request{Nonce: k.challenge(t), PublicKey: k.public}), "untrusted-root"},
		"debug mode":         {k.hypervisor.Attest(attestationtest.Request{Nonce: k.challenge(t), PublicKey: k.public, PCRs: pcr.Bank{0: {}, 1: {}, 2: {}}}), "debug-mode"},
		"no nonce":           {k.hypervisor.Attest(attestationtest.Request{PublicKey: k.public}), "malformed-nonce"},
		"a made-up nonce":    {k.hypervisor.Attest(attestationtest.Request{Nonce: append([]byte{1}, make([]byte, 56)...), PublicKey: k.public}), "unknown-nonce"},
		"no key":             {k.hypervisor.Attest(attestationtest.Request{Nonce: k.challenge(t)}), "expected an RSA key in public_key"},
		"not a document":     {[]byte("document"), "malformed-evidence"},
	} {
		t.Run(name, func(t *testing.T) {
			recorder := k.present(t, c.document)
			assert.Equal(t, http.StatusForbidden, recorder.Code)
			assert.Equal(t, c.reason+"\n", recorder.Body.String())
		})
	}
	assert.Equal(t, http.StatusBadRequest, k.send("POST", "/session", "", "{").Code)
	assert.Equal(t, http.StatusBadRequest, k.send("POST", "/session", "", `{"document": "`+strings.Repeat("A", 64<<10)+`"}`).Code)
}

func TestSessionsEndAndMakeRoom(t *testing.T) {
	k := newKit(t, time.Nanosecond, 1)
	assert.Equal(t, http.StatusUnauthorized, k.send("GET", "/", "Bearer "+k.session(t), "").Code)
	k.session(t)
	k.session(t)

	full := newKit(t, time.Hour, 1)
	full.session(t)
	recorder := full.present(t, full.hypervisor.Attest(attestationtest.Request{Nonce: full.challenge(t), PublicKey: full.public}))
	assert.Equal(t, http.StatusServiceUnavailable, recorder.Code)
}

func TestNewWantsEveryField(t *testing.T) {
	_, err := attested.New(attested.Config{})
	assert.Error(t, err)
}

func TestAHandlerThatIsNotBehindRequirePanics(t *testing.T) {
	assert.Panics(t, func() { attested.From(httptest.NewRequest("GET", "/", nil)) })
}
