package service_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/nitroattest/nitroattest/attestation"
	"github.com/nitroattest/nitroattest/attestation/attestationtest"
	"github.com/nitroattest/nitroattest/attestation/challenge"
	"github.com/nitroattest/nitroattest/cmd/nitroattest-server/internal/service"
	"github.com/nitroattest/nitroattest/pcr"
)

// object is a JSON object of an answer.
type object = map[string]any

// kit is a service with a hypervisor that it trusts.
type kit struct {
	*service.Service
	hypervisor *attestationtest.Hypervisor
	dir        string // of the policies, with the image of the hypervisor as prod.json
	log        *logBuffer
	config     service.Config
	earKey     *ecdsa.PrivateKey

	// undescribed leaves out what costs far more than an exchange itself, for
	// tests with hundreds that are alike.
	undescribed bool
}

type logBuffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *logBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *logBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

// newKit lets a test change the configuration before the service is made.
func newKit(t testing.TB, changes ...func(*kit)) *kit {
	t.Helper()
	k := &kit{dir: t.TempDir(), log: &logBuffer{}}
	k.hypervisor = attestationtest.NewHypervisor()
	k.earKey = newKey(t, elliptic.P384())
	signer, err := service.ParseSigner(pkcs8(t, k.earKey), "v0.0.0-test")
	require.NoError(t, err)
	memory, err := challenge.NewMemory(1000)
	require.NoError(t, err)
	issuer, err := challenge.New(challenge.Config{Store: memory})
	require.NoError(t, err)
	k.config = service.Config{
		Issuer: issuer,
		Signer: signer,
		Logger: slog.New(slog.NewJSONHandler(k.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
	}
	k.config.Files = service.NewFiles(k.config.Logger)
	for _, change := range changes {
		change(k)
	}
	if k.config.Policies == nil {
		k.write(t, "prod.json", policyJSON(t, k.hypervisor.Enclave().Image()))
		k.config.Policies = k.load(t, attestation.Config{})
	}
	k.Service, err = service.New(k.config)
	require.NoError(t, err)
	return k
}

func (k *kit) load(t testing.TB, config attestation.Config) *service.Policies {
	t.Helper()
	policies, err := service.LoadPolicies(service.PoliciesConfig{Dir: k.dir, Build: k.builder(config), Logger: k.config.Logger})
	require.NoError(t, err)
	return policies
}

func (k *kit) builder(config attestation.Config) service.Builder {
	config.Roots = k.hypervisor.Roots()
	return func(_ string, file []byte) (service.Policy, error) {
		policy, err := pcr.ReadPolicy(bytes.NewReader(file))
		if err != nil {
			return service.Policy{}, err
		}
		c := config
		c.Policy = policy
		verifier, err := attestation.NewVerifier(c)
		return service.Policy{Verifier: verifier}, err
	}
}

func (k *kit) write(t testing.TB, name string, data []byte) {
	t.Helper()
	require.NoError(t, os.WriteFile(filepath.Join(k.dir, name), data, 0o600))
}

func policyJSON(t testing.TB, images ...pcr.Image) []byte {
	t.Helper()
	data, err := json.Marshal(pcr.Policy{Images: images})
	require.NoError(t, err)
	return data
}

func newKey(t testing.TB, curve elliptic.Curve) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(curve, rand.Reader)
	require.NoError(t, err)
	return key
}

func pkcs8(t testing.TB, key any) []byte {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(key)
	require.NoError(t, err)
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
}

// send makes a request and decodes the answer, whatever its status.
func (k *kit) send(t testing.TB, method, path, body string) (*http.Response, object) {
	t.Helper()
	request := httptest.NewRequest(method, path, strings.NewReader(body))
	request.Header.Set("Content-Type", "application/json")
	return k.do(t, request)
}

func (k *kit) do(t testing.TB, request *http.Request) (*http.Response, object) {
	t.Helper()
	body, err := io.ReadAll(request.Body)
	require.NoError(t, err)
	request.Body = io.NopCloser(bytes.NewReader(body))
	recorder := httptest.NewRecorder()
	k.ServeHTTP(recorder, request)
	if !k.undescribed {
		requireDescribed(t, request, body, recorder)
	}
	return k.decode(t, recorder)
}

func (k *kit) decode(t testing.TB, recorder *httptest.ResponseRecorder) (*http.Response, object) {
	t.Helper()
	response := recorder.Result()
	var answer object
	if strings.HasSuffix(response.Header.Get("Content-Type"), "json") {
		require.NoError(t, json.Unmarshal(recorder.Body.Bytes(), &answer))
		response.Body = io.NopCloser(bytes.NewReader(recorder.Body.Bytes()))
	}
	return response, answer
}

// challenge asks for a challenge; an empty context is none.
func (k *kit) challenge(t testing.TB, context string) string {
	t.Helper()
	body := "{}"
	if context != "" {
		body = toJSON(t, object{"context": context})
	}
	response, answer := k.send(t, "POST", "/v1/challenges", body)
	require.Equal(t, http.StatusCreated, response.StatusCode, "%v", answer)
	return answer["challenge"].(string)
}

// attest answers a challenge with a document, in base64.
func (k *kit) attest(t testing.TB, challenge string, request attestationtest.Request) string {
	t.Helper()
	nonce, err := base64.RawURLEncoding.DecodeString(challenge)
	require.NoError(t, err)
	if challenge != "" {
		request.Nonce = nonce
	}
	return base64.StdEncoding.EncodeToString(k.hypervisor.Attest(request))
}

// verify sends a request and expects a verdict.
func (k *kit) verify(t testing.TB, request object) object {
	t.Helper()
	response, answer := k.send(t, "POST", "/v1/verify", toJSON(t, request))
	require.Equal(t, http.StatusOK, response.StatusCode, "%v", answer)
	return answer
}

// refused sends a request and expects a problem.
func (k *kit) refused(t testing.TB, request object, status int, name string) object {
	t.Helper()
	response, answer := k.send(t, "POST", "/v1/verify", toJSON(t, request))
	requireProblem(t, response, answer, status, name)
	return answer
}

func requireProblem(t testing.TB, response *http.Response, answer object, status int, name string) {
	t.Helper()
	require.Equal(t, status, response.StatusCode, "%v", answer)
	require.Equal(t, "application/problem+json", response.Header.Get("Content-Type"))
	require.Equal(t, "tag:nitroattest.github.io,2026:problem:"+name, answer["type"])
	require.EqualValues(t, status, answer["status"])
	require.Equal(t, response.Header.Get("X-Request-Id"), answer["request_id"])
	require.NotContains(t, answer, "accepted")
}

func toJSON(t testing.TB, value any) string {
	t.Helper()
	data, err := json.Marshal(value)
	require.NoError(t, err)
	return string(data)
}

// good is a request that is accepted.
func (k *kit) good(t testing.TB) object {
	t.Helper()
	c := k.challenge(t, "")
	return object{"policy": "prod", "challenge": c, "document": k.attest(t, c, attestationtest.Request{})}
}

func with(request object, key string, value any) object {
	changed := object{}
	for k, v := range request {
		changed[k] = v
	}
	changed[key] = value
	return changed
}
