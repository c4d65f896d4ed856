package service_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha512"
	"encoding/base64"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/nitroattest/nitroattest/attestation/attestationtest"
	"github.com/nitroattest/nitroattest/attestation/challenge"
)

// BenchmarkVerify is an exchange without the transport: POST /v1/verify for an
// accepted document under a known leaf. signatures/op is how many ECDSA P-384
// verifications would have taken as long, measured in the same run, round by
// round; one is what the document needs.
//
//	go test -run xxx -bench Verify -benchmem ./cmd/nitroattest-server/internal/service
func BenchmarkVerify(b *testing.B) {
	k := newKit(b, func(k *kit) {
		k.config.Logger = slog.New(slog.NewJSONHandler(io.Discard, nil))
		key := make([]byte, challenge.MinKeySize)
		rand.Read(key)
		var err error
		k.config.Issuer, err = challenge.New(challenge.Config{Keys: [][]byte{key}, Lifetime: challenge.MaxLifetime, InsecureReuse: true})
		require.NoError(b, err)
	})
	body := func(report string) []byte {
		c := k.challenge(b, "")
		nonce, err := base64.RawURLEncoding.DecodeString(c)
		require.NoError(b, err)
		document := k.hypervisor.Attest(attestationtest.Request{Nonce: nonce, PublicKey: make([]byte, 294)})
		return []byte(toJSON(b, object{"policy": "prod", "challenge": c, "report": report,
			"document": base64.StdEncoding.EncodeToString(document)}))
	}
	for _, report := range []string{"brief", "full"} {
		b.Run(report, func(b *testing.B) {
			signature := newSignatures(b)
			request := newReplay(body(report))
			var ours, floor time.Duration
			b.ReportAllocs()
			b.ResetTimer()
			for range b.N {
				begin := time.Now()
				k.ServeHTTP(request, request.again())
				ours += time.Since(begin)
				require.Equal(b, http.StatusOK, request.status)
				b.StopTimer()
				floor += signature.verify()
				b.StartTimer()
			}
			b.ReportMetric(ours.Seconds()/floor.Seconds(), "signatures/op")
		})
	}
}

// replay is a request that can be made again and its own response, so that a
// benchmark counts what the service allocates.
type replay struct {
	request *http.Request
	body    []byte
	reader  bytes.Reader
	header  http.Header
	status  int
}

func newReplay(body []byte) *replay {
	r := &replay{request: httptest.NewRequest("POST", "/v1/verify", bytes.NewReader(body)), body: body, header: http.Header{}}
	r.request.Header.Set("Content-Type", "application/json")
	return r
}

func (r *replay) again() *http.Request {
	clear(r.header)
	r.status = 0
	r.reader.Reset(r.body)
	r.request.Body = io.NopCloser(&r.reader)
	return r.request
}

func (r *replay) Header() http.Header         { return r.header }
func (r *replay) WriteHeader(status int)      { r.status = status }
func (r *replay) Write(p []byte) (int, error) { return len(p), nil }

type signatures struct {
	key               *ecdsa.PrivateKey
	digest, signature []byte
}

func newSignatures(b *testing.B) signatures {
	digest := sha512.Sum384([]byte("floor"))
	s := signatures{key: newKey(b, elliptic.P384()), digest: digest[:]}
	var err error
	s.signature, err = ecdsa.SignASN1(rand.Reader, s.key, s.digest)
	require.NoError(b, err)
	return s
}

func (s signatures) verify() time.Duration {
	begin := time.Now()
	if !ecdsa.VerifyASN1(&s.key.PublicKey, s.digest, s.signature) {
		panic("a good signature was refused")
	}
	return time.Since(begin)
}
