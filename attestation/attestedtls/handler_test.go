package attestedtls_test

import (
	"bytes"
	"crypto/elliptic"
	"crypto/x509"
	"errors"
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/nitroattest/nitroattest/attestation"
	"github.com/nitroattest/nitroattest/attestation/attestedtls"
)

func newRecorder() *httptest.ResponseRecorder { return httptest.NewRecorder() }

func ask(h http.Handler, method, query string) *httptest.ResponseRecorder {
	recorder := newRecorder()
	h.ServeHTTP(recorder, httptest.NewRequest(method, attestedtls.DefaultPath+query, nil))
	return recorder
}

func TestHandlerGivesOutDocuments(t *testing.T) {
	t.Parallel()
	w := newWorld()
	identity := w.identity(t)
	for _, size := range []int{8, 32, 1024} {
		nonce := bytes.Repeat([]byte{7}, size)
		answer := ask(identity, http.MethodGet, fmt.Sprintf("?nonce=%x", nonce))
		require.Equal(t, http.StatusOK, answer.Code, size)
		assert.Equal(t, `application/cose; cose-type="cose-sign1"`, answer.Header().Get("Content-Type"))
		assert.Equal(t, "no-store", answer.Header().Get("Cache-Control"))
		assert.Equal(t, fmt.Sprint(answer.Body.Len()), answer.Header().Get("Content-Length"))
		parsed, err := attestation.ParseUnverified(answer.Body.Bytes())
		require.NoError(t, err)
		assert.Equal(t, nonce, parsed.Document.Nonce)
		userData, _ := attestedtls.CertificateHash().Claim(identity.Certificate())
		assert.Equal(t, userData, parsed.Document.UserData)
		assert.Nil(t, parsed.Document.PublicKey)
	}
}

func TestHandlerRefuses(t *testing.T) {
	t.Parallel()
	asked := false
	identity := identityOf(t, func(_, _, _ []byte) ([]byte, error) {
		asked = true
		return nil, nil
	})
	for _, c := range []struct {
		name, method, query string
		status              int
		text                string
	}{
		{"no nonce", "GET", "", 400, "nonce: found 0 times, expected once"},
		{"an empty one", "GET", "?nonce=", 400, "nonce: found 0 bytes, expected 8 to 1024"},
		{"two", "GET", "?nonce=0011223344556677&nonce=0011223344556677", 400, "nonce: found 2 times, expected once"},
		{"not hex", "GET", "?nonce=xyxyxyxyxyxyxyxy", 400, "nonce: not hex"},
		{"odd", "GET", "?nonce=00112233445566778", 400, "nonce: not hex"},
		{"short", "GET", "?nonce=00112233445566", 400, "nonce: found 7 bytes, expected 8 to 1024"},
		{"long", "GET", "?nonce=" + strings.Repeat("00", 1025), 400, "query: found 2056 bytes, expected at most 2054"},
		{"malformed", "GET", "?nonce=%", 400, "query: malformed"},
		{"another method", "POST", "?nonce=0011223344556677", 405, "expected GET"},
	} {
		answer := ask(identity, c.method, c.query)
		assert.Equal(t, c.status, answer.Code, c.name)
		assert.Equal(t, c.text+"\n", answer.Body.String(), c.name)
	}
	assert.False(t, asked, "the module is not bothered")
}

func TestHandlerFailsWithoutDetails(t *testing.T) {
	t.Parallel()
	var logged bytes.Buffer
	broken := errors.New("the device is gone")
	config := attestedtls.HandlerConfig{
		Attester: attesterFunc(func(_, _, _ []byte) ([]byte, error) { return nil, broken }),
		Certificate: func(*http.Request) (*x509.Certificate, error) {
			return new(x509.Certificate), nil
		},
		ErrorLog: log.New(&logged, "", 0),
	}
	handler, err := attestedtls.NewHandler(config)
	require.NoError(t, err)
	answer := ask(handler, http.MethodGet, "?nonce=0011223344556677")
	assert.Equal(t, http.StatusInternalServerError, answer.Code)
	assert.Equal(t, "no document could be made\n", answer.Body.String())
	assert.Equal(t, "attestedtls: the device is gone\n", logged.String())

	config.Certificate = func(*http.Request) (*x509.Certificate, error) { return nil, errors.New("no certificate") }
	handler, err = attestedtls.NewHandler(config)
	require.NoError(t, err)
	assert.Equal(t, http.StatusInternalServerError, ask(handler, http.MethodGet, "?nonce=0011223344556677").Code)
	assert.Contains(t, logged.String(), "attestedtls: no certificate\n")
}

func TestHandlerLimitsItsRate(t *testing.T) {
	w := newWorld()
	identity, err := attestedtls.NewIdentity(attestedtls.IdentityConfig{Binding: attestedtls.CertificateHash(), Attester: w.Enclave().NSM(), Rate: 2, ClientRate: 2})
	require.NoError(t, err)
	var refused *httptest.ResponseRecorder
	given := 0
	start := time.Now()
	for refused == nil {
		if answer := ask(identity, http.MethodGet, "?nonce=0011223344556677"); answer.Code == http.StatusOK {
			given++
		} else {
			refused = answer
		}
	}
	assert.Equal(t, http.StatusTooManyRequests, refused.Code)
	assert.Equal(t, "1", refused.Header().Get("Retry-After"))
	assert.GreaterOrEqual(t, given, 2)
	assert.LessOrEqual(t, float64(given), 2+2*time.Since(start).Seconds())
	for ask(identity, http.MethodGet, "?nonce=0011223344556677").Code != http.StatusOK {
		time.Sleep(10 * time.Millisecond) // until a token has come
	}
}

func TestHandlerConfigs(t *testing.T) {
	t.Parallel()
	attester := newWorld().Enclave().NSM()
	certificate := func(*http.Request) (*x509.Certificate, error) { return nil, nil }
	for text, config := range map[string]attestedtls.HandlerConfig{
		"attestedtls: HandlerConfig.Attester: nil":                              {Certificate: certificate},
		"attestedtls: HandlerConfig.Certificate: nil":                           {Attester: attester},
		"attestedtls: HandlerConfig.Rate: found -1, expected a positive number": {Attester: attester, Certificate: certificate, Rate: -1},
	} {
		_, err := attestedtls.NewHandler(config)
		assert.EqualError(t, err, text)
	}
	for text, config := range map[string]attestedtls.IdentityConfig{
		"attestedtls: IdentityConfig.Attester: nil":                             {},
		"attestedtls: HandlerConfig.Rate: found -1, expected a positive number": {Attester: attester, Rate: -1},
		"attestedtls: CertificateConfig.Curve: found P-521, expected P-256 or P-384": {Attester: attester,
			Certificate: attestedtls.CertificateConfig{Curve: elliptic.P521()}},
	} {
		identity, err := attestedtls.NewIdentity(config)
		assert.EqualError(t, err, text)
		assert.Nil(t, identity)
	}
}

func TestCertificates(t *testing.T) {
	t.Parallel()
	certificate, err := attestedtls.NewCertificate(attestedtls.CertificateConfig{
		Curve: elliptic.P384(), Names: []string{"enclave.example", "192.0.2.1"}, Lifetime: time.Hour,
	})
	require.NoError(t, err)
	assert.Equal(t, []string{"enclave.example"}, certificate.Leaf.DNSNames)
	assert.Equal(t, "192.0.2.1", certificate.Leaf.IPAddresses[0].String())
	assert.Equal(t, time.Hour+time.Minute, certificate.Leaf.NotAfter.Sub(certificate.Leaf.NotBefore))
	assert.False(t, certificate.Leaf.IsCA)
	assert.NoError(t, certificate.Leaf.CheckSignature(certificate.Leaf.SignatureAlgorithm, certificate.Leaf.RawTBSCertificate, certificate.Leaf.Signature))
	assert.Len(t, certificate.Leaf.RawSubjectPublicKeyInfo, 120)

	for text, config := range map[string]attestedtls.CertificateConfig{
		"attestedtls: CertificateConfig.Lifetime: found -1s, expected a positive duration": {Lifetime: -time.Second},
		"attestedtls: CertificateConfig.Names: x509: ":                                     {Names: []string{"\xff"}},
	} {
		_, err := attestedtls.NewCertificate(config)
		assert.ErrorContains(t, err, text)
	}
}
