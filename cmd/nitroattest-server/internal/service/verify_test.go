package service_test

import (
	"context"
	"encoding/base64"
	"encoding/hex"
	"errors"
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
)

func TestVerifyAcceptsTheAnswerToAChallengeOnce(t *testing.T) {
	k := newKit(t)
	request := k.good(t)
	verdict := k.verify(t, request)
	assert.Equal(t, true, verdict["accepted"])
	assert.Equal(t, true, verdict["authentic"])
	assert.Equal(t, "", verdict["reason"])
	assert.Equal(t, "redeemed", verdict["challenge"])
	assert.Equal(t, "prod", verdict["policy"])
	assert.Nil(t, verdict["ear"])
	assert.Equal(t, k.hypervisor.Enclave().ModuleID(), verdict["document"].(object)["module_id"])

	again := k.verify(t, request)
	assert.Equal(t, false, again["accepted"])
	assert.Equal(t, true, again["authentic"])
	assert.Equal(t, "nonce-already-redeemed", again["reason"])
	assert.Equal(t, "refused", again["challenge"])
	assert.NotEmpty(t, again["detail"])
}

// One thing in each request is not as it has to be.
func TestVerifyRefuses(t *testing.T) {
	k := newKit(t)
	request := attestationtest.Request{UserData: []byte("user"), PublicKey: []byte("key")}
	other := attestationtest.NewHypervisor()
	for name, c := range map[string]struct {
		reason string
		change func(object)
	}{
		"another user data":   {"user-data-mismatch", func(r object) { r["user_data"] = hex.EncodeToString([]byte("User")) }},
		"another public key":  {"public-key-mismatch", func(r object) { r["public_key"] = "" }},
		"another image":       {"measurement-mismatch", func(r object) { r["policy"] = "other" }},
		"another challenge":   {"nonce-mismatch", func(r object) { r["challenge"] = k.challenge(t, "a") }},
		"another context":     {"unknown-nonce", func(r object) { r["context"] = "b" }},
		"another hypervisor":  {"untrusted-root", func(r object) { r["document"] = base64.StdEncoding.EncodeToString(other.Attest(request)) }},
		"not a document":      {"malformed-evidence", func(r object) { r["document"] = "hESh" }},
		"a changed signature": {"bad-signature", func(r object) { r["document"] = flipLast(t, r["document"].(string)) }},
	} {
		t.Run(name, func(t *testing.T) {
			k.write(t, "other.json", policyJSON(t, other.Enclave().Image()))
			k.config.Policies.Reload()
			challenge := k.challenge(t, "a")
			good := object{"policy": "prod", "challenge": challenge, "context": "a",
				"document": k.attest(t, challenge, request), "user_data": hex.EncodeToString([]byte("user")), "public_key": hex.EncodeToString([]byte("key"))}
			bad := with(good, "", nil)
			delete(bad, "")
			c.change(bad)
			verdict := k.verify(t, bad)
			assert.Equal(t, false, verdict["accepted"])
			assert.Equal(t, c.reason, verdict["reason"])
			if name != "another context" {
				assert.Equal(t, "not-redeemed", verdict["challenge"])
			}
			// It has used nothing up, and is the only thing that was wrong.
			assert.Equal(t, true, k.verify(t, good)["accepted"])
		})
	}
}

func flipLast(t *testing.T, document string) string {
	data, err := base64.StdEncoding.DecodeString(document)
	require.NoError(t, err)
	data[len(data)-1] ^= 1
	return base64.StdEncoding.EncodeToString(data)
}

func TestVerifyReadsTheUsualEncodings(t *testing.T) {
	k := newKit(t)
	for name, encode := range map[string]func([]byte) string{
		"base64":    base64.StdEncoding.EncodeToString,
		"base64url": base64.RawURLEncoding.EncodeToString,
		"hex":       hex.EncodeToString,
		"twice": func(b []byte) string {
			return base64.StdEncoding.EncodeToString([]byte(base64.StdEncoding.EncodeToString(b)))
		},
	} {
		t.Run(name, func(t *testing.T) {
			request := k.good(t)
			document, err := base64.StdEncoding.DecodeString(request["document"].(string))
			require.NoError(t, err)
			assert.Equal(t, true, k.verify(t, with(request, "document", encode(document)))["accepted"])
		})
	}
	t.Run("with JSON escapes", func(t *testing.T) {
		request := k.good(t)
		escaped := strings.NewReplacer("h", `\u0068`, "/", `\/`).Replace(request["document"].(string))
		body := strings.Replace(toJSON(t, with(request, "document", "ESCAPED")), "ESCAPED", escaped, 1)
		response, answer := k.send(t, "POST", "/v1/verify", body)
		require.Equal(t, http.StatusOK, response.StatusCode, "%v", answer)
		assert.Equal(t, true, answer["accepted"])
	})
}

func TestVerifyNeedsADocument(t *testing.T) {
	k := newKit(t)
	request := k.good(t)
	delete(request, "document")
	problem := k.refused(t, request, 400, "invalid-request")
	assert.Contains(t, problem["detail"], "document: found nothing")
}

func TestVerifySaysWhatIsWrongWithARequest(t *testing.T) {
	k := newKit(t)
	good := k.good(t)
	for name, c := range map[string]struct {
		key    string
		value  any
		status int
		kind   string
		detail string
	}{
		"policy unknown":      {"policy", "none", 404, "unknown-policy", "policy: "},
		"policy as a path":    {"policy", "../prod", 404, "unknown-policy", "policy: "},
		"policy absent":       {"policy", nil, 404, "unknown-policy", "policy: "},
		"challenge absent":    {"challenge", nil, 400, "invalid-request", "challenge: absent"},
		"challenge short":     {"challenge", "AQ", 400, "invalid-request", "challenge: expected"},
		"challenge a number":  {"challenge", 1, 400, "invalid-request", "found a JSON number at \"/challenge\""},
		"context empty":       {"context", "", 400, "invalid-request", "context: found 0 bytes"},
		"context long":        {"context", strings.Repeat("c", 1025), 400, "invalid-request", "context: found 1025 bytes"},
		"age zero":            {"max_age", 0, 400, "invalid-request", "max_age: found 0"},
		"age beyond a leaf's": {"max_age", 10801, 400, "invalid-request", "max_age: found 10801"},
		"user data no hex":    {"user_data", "xy", 400, "invalid-request", "user_data: "},
		"user data odd":       {"user_data", "123", 400, "invalid-request", "user_data: "},
		"public key no hex":   {"public_key", "xy", 400, "invalid-request", "public_key: "},
		"ear unknown":         {"ear", "yes", 400, "invalid-request", "ear: "},
		"report unknown":      {"report", "long", 400, "invalid-request", "report: "},
		"document empty":      {"document", "", 400, "invalid-request", "document: found nothing"},
		"document null":       {"document", nil, 400, "invalid-request", "document: found nothing"},
		"document a number":   {"document", 1, 400, "invalid-request", "found a JSON number at \"/document\""},
		"document an object":  {"document", object{"document": "00"}, 400, "invalid-request", "found a JSON object at \"/document\""},
		"document cut off":    {"document", "hESho", 400, "invalid-request", "document: "},
		"document prose":      {"document", "hello, world", 400, "invalid-request", "document: "},
		"member unknown":      {"nonce", "00", 400, "invalid-request", "body: found a member that"},
		"too large":           {"document", strings.Repeat("A", 128<<10), 413, "too-large", "found more than 131072 bytes"},
	} {
		t.Run(name, func(t *testing.T) {
			problem := k.refused(t, with(good, c.key, c.value), c.status, c.kind)
			assert.Contains(t, problem["detail"], c.detail)
		})
	}
	assert.Equal(t, true, k.verify(t, good)["accepted"], "the request was good but for that")
}

func TestRequestsThatAreNotJSONObjects(t *testing.T) {
	k := newKit(t)
	for name, c := range map[string]struct {
		body, media string
		chunked     bool
		status      int
		kind        string
	}{
		"nothing":         {"", "application/json", false, 400, "invalid-request"},
		"broken":          {"{]", "application/json", false, 400, "invalid-request"},
		"cut off":         {`{"policy": "pr`, "application/json", false, 400, "invalid-request"},
		"an array":        {"[]", "application/json", false, 400, "invalid-request"},
		"a member twice":  {`{"policy": "prod", "policy": "prod"}`, "application/json", false, 400, "invalid-request"},
		"another case":    {`{"Policy": "prod"}`, "application/json", false, 400, "invalid-request"},
		"not UTF-8":       {"{\"policy\": \"\xff\"}", "application/json", false, 400, "invalid-request"},
		"two objects":     {"{} {}", "application/json", false, 400, "invalid-request"},
		"another type":    {"{}", "text/plain", false, 415, "unsupported-media-type"},
		"no type":         {"{}", "", false, 415, "unsupported-media-type"},
		"large, no size":  {`{"document": "` + strings.Repeat("A", 128<<10) + `"}`, "application/json", true, 413, "too-large"},
		"large after all": {`{}` + strings.Repeat(" ", 128<<10), "application/json", true, 413, "too-large"},
	} {
		t.Run(name, func(t *testing.T) {
			request := httptest.NewRequest("POST", "/v1/verify", strings.NewReader(c.body))
			if c.chunked {
				request.ContentLength = -1
			}
			request.Header.Set("Content-Type", c.media)
			response, answer := k.do(t, request)
			requireProblem(t, response, answer, c.status, c.kind)
		})
	}
}

func TestPathsAndMethods(t *testing.T) {
	k := newKit(t)
	response, answer := k.send(t, "GET", "/v1/verify", "")
	requireProblem(t, response, answer, 405, "method-not-allowed")
	assert.Equal(t, "POST", response.Header.Get("Allow"))
	response, answer = k.send(t, "DELETE", "/healthz", "")
	requireProblem(t, response, answer, 405, "method-not-allowed")
	response, answer = k.send(t, "GET", "/v2/verify", "")
	requireProblem(t, response, answer, 404, "not-found")
}

func TestChallengesExpireWhenTheySay(t *testing.T) {
	var now time.Time
	k := newKit(t, func(k *kit) {
		memory, err := challenge.NewMemory(10)
		require.NoError(t, err)
		now = time.Now()
		k.config.Issuer, err = challenge.New(challenge.Config{Store: memory, Lifetime: time.Minute, Now: func() time.Time { return now }})
		require.NoError(t, err)
	})
	response, answer := k.send(t, "POST", "/v1/challenges", "")
	require.Equal(t, http.StatusCreated, response.StatusCode)
	assert.Equal(t, "no-store", response.Header.Get("Cache-Control"))
	expires, err := time.Parse(time.RFC3339Nano, answer["expires_at"].(string))
	require.NoError(t, err)
	assert.Equal(t, now.Add(time.Minute).UnixMilli(), expires.UnixMilli())

	c := answer["challenge"].(string)
	request := object{"policy": "prod", "challenge": c, "document": k.attest(t, c, attestationtest.Request{})}
	now = expires
	assert.Equal(t, "nonce-expired", k.verify(t, request)["reason"])
}

func TestMaxAge(t *testing.T) {
	old := attestationtest.Request{Time: time.Now().Add(-time.Minute)}
	strict, lenient := newKit(t), newKit(t, func(k *kit) { k.config.MaxAge = 2 * time.Minute })
	request := func(k *kit, age any) object {
		return object{"policy": "prod", "document": k.attest(t, "", old), "max_age": age}
	}

	strict.refused(t, request(strict, 120), 400, "not-allowed")
	lenient.refused(t, request(lenient, 121), 400, "not-allowed")
	lenient.refused(t, request(lenient, nil), 400, "invalid-request")
	lenient.refused(t, with(request(lenient, 120), "context", "a"), 400, "invalid-request")
	verdict := lenient.verify(t, request(lenient, 120))
	assert.Equal(t, true, verdict["accepted"])
	assert.Nil(t, verdict["challenge"])
	assert.Equal(t, "stale", lenient.verify(t, request(lenient, 30))["reason"])

	// Beside a challenge every server takes it, for it only asks for more.
	c := strict.challenge(t, "")
	stale := object{"policy": "prod", "challenge": c, "document": strict.attest(t, c, old), "max_age": 30}
	assert.Equal(t, "stale", strict.verify(t, stale)["reason"])
	assert.Equal(t, true, strict.verify(t, with(stale, "max_age", 90))["accepted"])
}

// downStore cannot answer.
type downStore struct{ err error }

func (s downStore) Redeem(context.Context, challenge.ID, time.Time, time.Time) (bool, error) {
	return true, s.err
}

func TestAStoreThatIsDownAcceptsNothing(t *testing.T) {
	for name, err := range map[string]error{"down": errors.New("dial tcp 192.0.2.1:6379: refused"), "full": challenge.StoreFull} {
		t.Run(name, func(t *testing.T) {
			k := newKit(t, func(k *kit) {
				var newErr error
				k.config.Issuer, newErr = challenge.New(challenge.Config{Store: downStore{err}, Keys: [][]byte{[]byte("0123456789abcdef0123456789abcdef")}})
				require.NoError(t, newErr)
				k.config.StoreReady = func(context.Context) error { return err }
			})
			problem := k.refused(t, with(k.good(t), "ear", "always"), 503, "store-unavailable")
			assert.NotContains(t, problem["detail"], "192.0.2.1")
			assert.Contains(t, k.log.String(), err.Error())

			response, state := k.send(t, "GET", "/readyz", "")
			assert.Equal(t, 503, response.StatusCode)
			assert.Equal(t, "unavailable", state["store"])
		})
	}
}

func TestDebugModeIsRefusedUnlessAllowed(t *testing.T) {
	debug := func(k *kit) { k.hypervisor = attestationtest.NewHypervisor(attestationtest.WithDebugMode()) }
	k := newKit(t, debug)
	verdict := k.verify(t, k.good(t))
	assert.Equal(t, false, verdict["accepted"])
	assert.Equal(t, string(attestation.DebugMode), verdict["reason"])
}

func TestTheLogHoldsNoSecrets(t *testing.T) {
	k := newKit(t)
	c := k.challenge(t, "session-4711")
	request := object{"policy": "prod", "challenge": c, "context": "session-4711", "user_data": hex.EncodeToString([]byte("expected")),
		"document": k.attest(t, c, attestationtest.Request{UserData: []byte("found-this"), PublicKey: []byte("public-key")})}
	k.verify(t, request)
	delete(request, "user_data")
	k.verify(t, request)
	k.refused(t, with(request, "context", ""), 400, "invalid-request")
	log := k.log.String()
	nonce, err := base64.RawURLEncoding.DecodeString(c)
	require.NoError(t, err)
	for _, secret := range []string{c, hex.EncodeToString(nonce[25:]), "session-4711", request["document"].(string)[:64],
		hex.EncodeToString([]byte("found-this")), "found-this", hex.EncodeToString([]byte("expected")), "public-key", hex.EncodeToString([]byte("public-key"))} {
		assert.NotContains(t, log, secret)
	}
	assert.Contains(t, log, `"reason":"user-data-mismatch"`)
	assert.Contains(t, log, k.hypervisor.Enclave().ModuleID())
}

// Both forms are written by different code.
func TestNamesThatNeedEscapes(t *testing.T) {
	const name = "\"\\/\n\t\x00\x7f<script>&é\u2028\U0001f512"
	k := newKit(t)
	image := k.hypervisor.Enclave().Image()
	image.Name = name
	k.write(t, "prod.json", policyJSON(t, image))
	k.config.Policies.Reload()
	brief, full := k.verify(t, with(k.good(t), "report", "brief")), k.verify(t, k.good(t))
	assert.Equal(t, name, brief["image_name"])
	assert.Equal(t, name, full["image"].(object)["name"])
}

func TestABriefVerdictSaysTheSame(t *testing.T) {
	k := newKit(t)
	c := k.challenge(t, "")
	request := object{"policy": "prod", "challenge": c, "report": "brief", "ear": "accepted",
		"document": k.attest(t, c, attestationtest.Request{PublicKey: []byte("key"), UserData: []byte{}})}
	verdict := k.verify(t, request)
	assert.NotEmpty(t, verdict["ear"])
	delete(verdict, "ear")
	delete(verdict, "timestamp")
	delete(verdict, "policy_sha256")
	assert.Equal(t, object{"report": "brief", "policy": "prod", "signed_policy": nil, "challenge": "redeemed", "accepted": true, "authentic": true, "reason": "", "detail": "", "debug": false,
		"image_name": k.hypervisor.Enclave().Image().Name, "module_id": k.hypervisor.Enclave().ModuleID(),
		"public_key": hex.EncodeToString([]byte("key")), "user_data": ""}, verdict)

	verdict = k.verify(t, request)
	assert.Equal(t, false, verdict["accepted"])
	assert.Equal(t, true, verdict["authentic"])
	assert.Equal(t, "nonce-already-redeemed", verdict["reason"])

	bad := with(request, "document", flipLast(t, request["document"].(string)))
	brief, full := k.verify(t, bad), k.verify(t, with(bad, "report", "full"))
	for _, member := range []string{"accepted", "authentic", "reason", "detail", "debug", "challenge", "ear"} {
		assert.Equal(t, full[member], brief[member], member)
	}
	for _, member := range []string{"image_name", "module_id", "timestamp", "public_key", "user_data"} {
		assert.Nil(t, brief[member], member)
	}
}
