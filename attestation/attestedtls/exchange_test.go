package attestedtls_test

import (
	"context"
	"encoding/base64"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/nitroattest/nitroattest/attestation/attestedtls"
)

func TestAnswersThatAreNoDocument(t *testing.T) {
	t.Parallel()
	w := newWorld()
	head := "HTTP/1.1 200 OK\r\n"
	for _, c := range []struct {
		name, answer string
		reason       attestedtls.Reason
		text         string
	}{
		{"nothing", "", attestedtls.NoDocument, "EOF"},
		{"not HTTP", "\x00\x01\x02\r\n\r\n", attestedtls.NoDocument, "reading the answer: found a malformed HTTP response"},
		{"a field without a name", head + "evil\r\n\r\n", attestedtls.NoDocument, "found a malformed HTTP response"},
		{"half a header", head + "Content-", attestedtls.NoDocument, "reading the answer"},
		{"half a document", head + "Content-Length: 9\r\n\r\n\x84", attestedtls.NoDocument, "unexpected EOF"},
		{"half a chunk", head + "Transfer-Encoding: chunked\r\n\r\n9\r\n\x84", attestedtls.NoDocument, "unexpected EOF"},
		{"an empty document", head + "Content-Length: 0\r\n\r\n", attestedtls.NoDocument, "found an empty one"},
		{"white space", head + "Content-Length: 2\r\n\r\n\r\n", attestedtls.NoDocument, "found an empty one"},
		{"another status", "HTTP/1.1 404 Not Found\r\nContent-Length: 1\r\n\r\n\x84", attestedtls.NoDocument, "found status 404, expected 200"},
		{"a redirect", "HTTP/1.1 302 Found\r\nLocation: /\r\nContent-Length: 0\r\n\r\n", attestedtls.NoDocument, "found status 302"},
		{"more to come", "HTTP/1.1 100 Continue\r\n\r\n" + head + "Content-Length: 1\r\n\r\n\x84", attestedtls.NoDocument, "found status 100"},
		{"the last answer", head + "Connection: close\r\n\r\n\x84", attestedtls.NoDocument, "the server closes the connection"},
		{"HTTP/1.0", "HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\n\x84", attestedtls.NoDocument, "the server closes the connection"},
		{"compressed", head + "Content-Encoding: gzip\r\nContent-Length: 1\r\n\r\n\x84", attestedtls.NoDocument, "content encoding"},
		{"text", head + "Content-Length: 5\r\n\r\nhello", attestedtls.NoDocument, "not base64"},
		{"two answers", head + "Content-Length: 1\r\n\r\n\x84HTTP/1.1 ", attestedtls.NoDocument, "found 9 bytes after the answer"},
		{"over the limit by one", head + "Content-Length: 32769\r\n\r\n" + strings.Repeat("\x84", 32769), attestedtls.TooLarge, "found a document of 32769 bytes, expected at most 32768"},
		{"over that of any encoding", head + "Transfer-Encoding: chunked\r\n\r\nffffff\r\n" + strings.Repeat("\x84", 100<<10), attestedtls.TooLarge, "found an answer of more than"},
		{"a header without end", head + "X: " + strings.Repeat("x", 120<<10), attestedtls.TooLarge, "without an end"},
		{"chunks without end", head + "Transfer-Encoding: chunked\r\n\r\n" + strings.Repeat("1;"+strings.Repeat("x", 1000)+"\r\n\x84\r\n", 100), attestedtls.NoDocument, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			address, more := script(t, w.identity(t), func(conn net.Conn, _ *http.Request) {
				io.WriteString(conn, c.answer)
				conn.Close()
			})
			_, err := dial(t, w.config(t), address)
			require.ErrorIs(t, err, c.reason)
			assert.ErrorContains(t, err, c.text)
			assert.NotContains(t, err.Error(), "evil")
			assert.Less(t, len(err.Error()), 300)
			assert.Empty(t, <-more)
		})
	}
}

// Servers of today answer in base64, with a line feed or wrapped.
func TestDocumentsInBase64(t *testing.T) {
	t.Parallel()
	w := newWorld()
	identity := w.identity(t)
	for name, encode := range map[string]func(text string) string{
		"one line":           func(text string) string { return text },
		"with a line feed":   func(text string) string { return text + "\n" },
		"lines of 64 digits": func(text string) string { return wrap(text, 64) },
	} {
		address, _ := script(t, identity, func(conn net.Conn, request *http.Request) {
			recorder := newRecorder()
			identity.ServeHTTP(recorder, request)
			ok(conn, []byte(encode(base64.StdEncoding.EncodeToString(recorder.Body.Bytes()))))
		})
		conn, err := dial(t, w.config(t), address)
		if assert.NoError(t, err, name) {
			conn.Close()
		}
	}
}

func wrap(text string, width int) string {
	var lines strings.Builder
	for len(text) > width {
		lines.WriteString(text[:width] + "\r\n")
		text = text[width:]
	}
	return lines.String() + text + "\r\n"
}

func TestOtherPathAndNonceSize(t *testing.T) {
	t.Parallel()
	w := newWorld()
	identity := w.identity(t)
	mux := http.NewServeMux()
	mux.HandleFunc("/enclave/attestation", func(rw http.ResponseWriter, r *http.Request) {
		assert.Len(t, r.URL.Query().Get("nonce"), 40)
		identity.ServeHTTP(rw, r)
	})
	s := serve(t, identity, mux)
	config := w.config(t)
	config.Path, config.NonceSize = "/enclave/attestation", 20
	conn, err := dial(t, config, s.address)
	require.NoError(t, err)
	assert.Len(t, conn.Result().Document.Nonce, 20)
	conn.Close()

	config.DocumentSize = 100
	_, err = dial(t, config, s.address)
	assert.ErrorIs(t, err, attestedtls.TooLarge)
}

// A server that says nothing, or a byte now and then, gets no more time than
// there is.
func TestSlowServers(t *testing.T) {
	t.Parallel()
	w := newWorld()
	for name, answer := range map[string]func(net.Conn){
		"silent": func(net.Conn) {},
		"drip by drip": func(conn net.Conn) {
			fmt.Fprint(conn, "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
			for {
				if _, err := conn.Write([]byte{0x84}); err != nil {
					return
				}
				time.Sleep(10 * time.Millisecond)
			}
		},
	} {
		address, more := script(t, w.identity(t), func(conn net.Conn, _ *http.Request) { answer(conn) })
		config := w.config(t)
		config.Timeout = 200 * time.Millisecond
		_, err := client(t, config).Get("https://" + address)
		assert.ErrorIs(t, err, attestedtls.NoDocument, name)
		assert.ErrorIs(t, err, context.DeadlineExceeded, name)
		assert.Empty(t, <-more, name)
	}

	// Nor does one that accepts and does not shake hands.
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	config := w.config(t)
	config.Timeout = 200 * time.Millisecond
	_, err = dial(t, config, l.Addr().String())
	assert.ErrorIs(t, err, attestedtls.Handshake)
	assert.ErrorIs(t, err, context.DeadlineExceeded)
}

func TestCancellation(t *testing.T) {
	t.Parallel()
	w := newWorld()
	asked := make(chan struct{})
	address, more := script(t, w.identity(t), func(net.Conn, *http.Request) { asked <- struct{}{} })
	dialer, err := attestedtls.NewDialer(w.config(t))
	require.NoError(t, err)
	c := client(t, w.config(t))
	for name, connect := range map[string]func(context.Context) error{
		"dialer": func(ctx context.Context) error {
			_, err := dialer.DialContext(ctx, "tcp", address)
			assert.ErrorIs(t, err, attestedtls.NoDocument)
			return err
		},
		"client": func(ctx context.Context) error {
			request, err := http.NewRequestWithContext(ctx, http.MethodGet, "https://"+address, nil)
			require.NoError(t, err)
			_, err = c.Do(request)
			return err
		},
	} {
		ctx, cancel := context.WithCancel(context.Background())
		go func() {
			<-asked
			cancel()
		}()
		assert.ErrorIs(t, connect(ctx), context.Canceled, name)
		if name == "dialer" { // http.Transport lets a dial end, for the next request
			assert.Empty(t, <-more, name)
		}
	}
}

// The context bounds the dial, not the connection.
func TestConnectionOutlivesTheContextOfItsDial(t *testing.T) {
	t.Parallel()
	w := newWorld()
	s := enclave(t, w.identity(t))
	dialer, err := attestedtls.NewDialer(w.config(t))
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	conn, err := dialer.DialContext(ctx, "tcp", s.address)
	require.NoError(t, err)
	defer conn.Close()
	cancel()
	_, err = io.WriteString(conn, "GET / HTTP/1.1\r\nHost: enclave\r\nConnection: close\r\n\r\n")
	require.NoError(t, err)
	answer, err := io.ReadAll(conn)
	require.NoError(t, err)
	assert.Contains(t, string(answer), "200 OK")
}

func TestServersThatAreNotThere(t *testing.T) {
	t.Parallel()
	w := newWorld()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	address := l.Addr().String()
	l.Close()
	_, err = dial(t, w.config(t), address)
	var refused *net.OpError
	assert.ErrorAs(t, err, &refused, "the error of the network")
}
