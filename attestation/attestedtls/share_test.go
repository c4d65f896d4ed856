package attestedtls_test

import (
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/nitroattest/nitroattest/attestation/attestedtls"
)

const question = attestedtls.DefaultPath + "?nonce=00112233445566778899aabbccddeeff"

// One connection that goes on asking gets one document, and takes nothing away
// from the others.
func TestAConnectionGetsOneDocument(t *testing.T) {
	t.Parallel()
	w := newWorld()
	identity, err := attestedtls.NewIdentity(attestedtls.IdentityConfig{
		Attester: w.Enclave().NSM(), Binding: attestedtls.CertificateHash(), Rate: 3, ClientRate: 3})
	require.NoError(t, err)
	s := enclave(t, identity)
	greedy := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, ForceAttemptHTTP2: true}}
	defer greedy.CloseIdleConnections()
	ask := func(query string) int {
		response, err := greedy.Get(s.url(query))
		require.NoError(t, err)
		defer response.Body.Close()
		_, err = io.Copy(io.Discard, response.Body)
		require.NoError(t, err)
		return response.StatusCode
	}
	assert.Equal(t, 400, ask(attestedtls.DefaultPath), "a question without a nonce does not count")
	assert.Equal(t, 200, ask(question))
	assert.Equal(t, 403, ask(question))

	conn, err := tls.Dial("tcp", s.address, &tls.Config{InsecureSkipVerify: true})
	require.NoError(t, err)
	defer conn.Close()
	for range 20 {
		fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: x\r\n\r\n", question)
	}
	answers, _ := io.ReadAll(conn) // the server closes it
	assert.Contains(t, string(answers), "403 Forbidden")
	honest, err := dial(t, w.config(t), s.address)
	require.NoError(t, err, "the third of three")
	honest.Close()
}

// A client over its share leaves the rest to the others.
func TestAClientGetsItsShare(t *testing.T) {
	t.Parallel()
	identity := identityOf(t, func(_, _, _ []byte) ([]byte, error) { return []byte{1}, nil })
	from := func(address string) int {
		request := httptest.NewRequest(http.MethodGet, question, nil)
		request.RemoteAddr = address
		recorder := httptest.NewRecorder()
		identity.ServeHTTP(recorder, request)
		return recorder.Code
	}
	flood := func(address func(i int) string) (given int) {
		start := time.Now()
		for i := range 200 {
			if from(address(i)) == http.StatusOK {
				given++
			}
		}
		require.GreaterOrEqual(t, given, 1)
		require.LessOrEqual(t, float64(given), 25+25*time.Since(start).Seconds(), "half of 50")
		return given
	}
	flood(func(i int) string { return fmt.Sprintf("192.0.2.1:%d", 1000+i) })
	assert.Equal(t, http.StatusOK, from("192.0.2.2:1000"))

	identity = identityOf(t, func(_, _, _ []byte) ([]byte, error) { return []byte{1}, nil })
	flood(func(i int) string { return fmt.Sprintf("[2001:db8::%x]:1000", i+1) }) // one network of 64 bits
	assert.Equal(t, http.StatusOK, from("[2001:db8:0:1::1]:1000"))
	assert.Equal(t, http.StatusOK, from("vm(3):1000"))
}

func TestClientsByAnotherName(t *testing.T) {
	t.Parallel()
	w := newWorld()
	identity, err := attestedtls.NewIdentity(attestedtls.IdentityConfig{Attester: w.Enclave().NSM(), Rate: 100, ClientRate: 1,
		Client: func(r *http.Request) string { return r.Header.Get("X-Client") }})
	require.NoError(t, err)
	// More than are kept in mind, each with its own share, until all is given out.
	given := 0
	for i := range 5000 {
		request := httptest.NewRequest(http.MethodGet, question, nil)
		request.Header.Set("X-Client", fmt.Sprint(i))
		recorder := httptest.NewRecorder()
		identity.ServeHTTP(recorder, request)
		if recorder.Code == http.StatusOK {
			given++
		}
	}
	assert.GreaterOrEqual(t, given, 100)

	_, err = attestedtls.NewIdentity(attestedtls.IdentityConfig{Attester: w.Enclave().NSM(), Rate: 1, ClientRate: 2})
	assert.EqualError(t, err, "attestedtls: HandlerConfig.ClientRate: found 2, expected 1 to 1, the Rate")
	_, err = attestedtls.NewIdentity(attestedtls.IdentityConfig{Attester: w.Enclave().NSM(), Binding: attestedtls.NewBinding(nil, nil)})
	assert.EqualError(t, err, "attestedtls: HandlerConfig.Binding: without a Claim")
}

// Busy is not refused: the client can tell and try again.
func TestBusyServers(t *testing.T) {
	t.Parallel()
	w := newWorld()
	for _, c := range []struct {
		head string
		want attestedtls.Reason
		wait time.Duration
	}{
		{"429 Too Many Requests\r\nRetry-After: 2", attestedtls.Busy, 2 * time.Second},
		{"503 Service Unavailable", attestedtls.Busy, 0},
		{"503 Service Unavailable\r\nRetry-After: 99999999", attestedtls.Busy, time.Hour},
		{"429 Too Many Requests\r\nRetry-After: -1", attestedtls.Busy, 0},
		{"429 Too Many Requests\r\nRetry-After: Fri, 01 Jan 2038 00:00:00 GMT", attestedtls.Busy, 0},
		{"403 Forbidden\r\nRetry-After: 2", attestedtls.NoDocument, 0},
		{"500 Internal Server Error", attestedtls.NoDocument, 0},
	} {
		address, _ := script(t, w.identity(t), func(conn net.Conn, _ *http.Request) {
			fmt.Fprintf(conn, "HTTP/1.1 %s\r\nContent-Length: 0\r\n\r\n", c.head)
			conn.Close()
		})
		_, err := client(t, w.config(t)).Get("https://" + address)
		var refused *attestedtls.Error
		require.ErrorAs(t, err, &refused, c.head)
		assert.Equal(t, c.want, refused.Reason, c.head)
		assert.Equal(t, c.wait, refused.RetryAfter, c.head)
		assert.NotErrorIs(t, err, attestedtls.Refused)
	}
}
