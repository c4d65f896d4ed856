package service_test

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/nitroattest/nitroattest/cmd/nitroattest-server/internal/connections"
	"github.com/nitroattest/nitroattest/cmd/nitroattest-server/internal/service"
)

// padded makes the body of a request as long as it is to be.
func padded(body string, length int) string {
	return body + strings.Repeat(" ", max(length-len(body), 0))
}

// slowRequest is a request whose body has come but for its last byte.
type slowRequest struct {
	answered chan *httptest.ResponseRecorder
	last     *io.PipeWriter
}

func (k *kit) sendSlowly(t *testing.T, body string) *slowRequest {
	t.Helper()
	reader, writer := io.Pipe()
	s := &slowRequest{make(chan *httptest.ResponseRecorder, 1), writer}
	request := httptest.NewRequest("POST", "/v1/verify", reader)
	request.Header.Set("Content-Type", "application/json")
	request.ContentLength = int64(len(body))
	go func() {
		recorder := httptest.NewRecorder()
		k.ServeHTTP(recorder, request)
		reader.Close()
		s.answered <- recorder
	}()
	_, _ = io.WriteString(writer, body[:len(body)-1]) // it may be refused before
	return s
}

// end sends the rest.
func (s *slowRequest) end(body string) *httptest.ResponseRecorder {
	go func() {
		_, _ = io.WriteString(s.last, body[len(body)-1:])
		s.last.Close()
	}()
	return <-s.answered
}

func TestLargeBodiesShareABudget(t *testing.T) {
	const large = 100 << 10
	k := newKit(t, func(k *kit) { k.config.BodyMemory = 8 * large }) // two for one client
	body := func() string { return padded(toJSON(t, k.good(t)), large) }
	first, second := body(), body()
	slow := []*slowRequest{k.sendSlowly(t, first), k.sendSlowly(t, second)}
	require.Contains(t, k.metrics(t), fmt.Sprintf("nitroattest_body_bytes %d", 2*large))

	response, answer := k.send(t, "POST", "/v1/verify", body())
	requireProblem(t, response, answer, http.StatusServiceUnavailable, "overloaded")
	assert.Contains(t, answer["detail"], "large requests")
	assert.True(t, response.Header.Get("Connection") == "close")
	// Those of the usual size need none of it.
	assert.Equal(t, true, k.verify(t, k.good(t))["accepted"])

	assert.Contains(t, slow[0].end(first).Body.String(), `"accepted":true`)
	response, answer = k.send(t, "POST", "/v1/verify", body())
	assert.Equal(t, 200, response.StatusCode)
	assert.Equal(t, true, answer["accepted"])
	assert.Contains(t, slow[1].end(second).Body.String(), `"accepted":true`)
	require.Contains(t, k.metrics(t), "nitroattest_body_bytes 0")
}

// Whoever sends large bodies slowly takes a quarter of the budget, and leaves the
// rest to others.
func TestABudgetIsForSeveralClients(t *testing.T) {
	const large = 100 << 10
	k := newKit(t, func(k *kit) { k.config.BodyMemory = 4 * large })
	address, _ := k.start(t, service.Listening{Address: "127.0.0.1:0"})
	body := padded(toJSON(t, k.good(t)), large)
	head := fmt.Sprintf("POST /v1/verify HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n", len(body))
	dial := func(from string) net.Conn {
		conn, err := (&net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(from)}}).Dial("tcp", address)
		if err != nil {
			t.Skipf("SKIPPED: there is no %s here: %v", from, err)
		}
		t.Cleanup(func() { conn.Close() })
		return conn
	}
	slow := dial("127.0.0.2")
	_, err := io.WriteString(slow, head+body[:len(body)-1])
	require.NoError(t, err)
	for !strings.Contains(k.metrics(t), fmt.Sprintf("nitroattest_body_bytes %d", large)) {
		time.Sleep(time.Millisecond)
	}
	require.Contains(t, k.metrics(t), `nitroattest_connections{listener="main",state="reading"} 1`)
	for from, status := range map[string]int{"127.0.0.2": 503, "127.0.0.3": 200} {
		conn := dial(from)
		_, err := io.WriteString(conn, head+body)
		require.NoError(t, err)
		response, err := http.ReadResponse(bufio.NewReader(conn), nil)
		require.NoError(t, err)
		assert.Equal(t, status, response.StatusCode, from)
	}
	_, err = io.WriteString(slow, body[len(body)-1:])
	require.NoError(t, err)
	response, err := http.ReadResponse(bufio.NewReader(slow), nil)
	require.NoError(t, err)
	assert.Equal(t, 200, response.StatusCode)
}

// A client that sends headers and no bodies has no place that others cannot get.
func TestABodyThatDoesNotBeginKeepsNoPlace(t *testing.T) {
	k := newKit(t)
	address, _ := k.start(t, service.Listening{Address: "127.0.0.1:0", Connections: connections.Limits{Total: 2, PerClient: 2}})
	dial := func() net.Conn {
		conn, err := net.Dial("tcp", address)
		require.NoError(t, err)
		t.Cleanup(func() { conn.Close() })
		return conn
	}
	var silent []net.Conn
	for i, path := range []string{"/v1/verify", "/v1/challenges"} {
		conn := dial()
		_, err := fmt.Fprintf(conn, "POST %s HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n", path)
		require.NoError(t, err)
		silent = append(silent, conn)
		for !strings.Contains(k.metrics(t), fmt.Sprintf(`nitroattest_connections{listener="main",state="reading"} %d`, i+1)) {
			time.Sleep(time.Millisecond)
		}
	}
	conn := dial()
	_, err := io.WriteString(conn, "GET /v1/keys HTTP/1.1\r\nHost: h\r\n\r\n")
	require.NoError(t, err)
	response, err := http.ReadResponse(bufio.NewReader(conn), nil)
	require.NoError(t, err)
	assert.Equal(t, 200, response.StatusCode)
	_, err = silent[0].Read(make([]byte, 1))
	assert.Error(t, err, "the oldest has given up its place")
}

// Bodies of every size around the bounds, with a length and without.
func TestBodiesOfEverySize(t *testing.T) {
	k := newKit(t)
	for _, length := range []int{0, 15 << 10, 16<<10 - 1, 16 << 10, 16<<10 + 1, 33 << 10, 128<<10 - 1, 128 << 10, 128<<10 + 1} {
		for _, known := range []bool{true, false} {
			body := padded(toJSON(t, k.good(t)), length)
			request := httptest.NewRequest("POST", "/v1/verify", strings.NewReader(body))
			request.Header.Set("Content-Type", "application/json")
			request.ContentLength = int64(len(body))
			if !known {
				request.ContentLength = -1
			}
			recorder := httptest.NewRecorder()
			k.ServeHTTP(recorder, request)
			if length > 128<<10 {
				assert.Equal(t, 413, recorder.Code, "%d %v", length, known)
				continue
			}
			assert.Contains(t, recorder.Body.String(), `"accepted":true`, "%d %v", length, known)
		}
	}
	require.Contains(t, k.metrics(t), "nitroattest_body_bytes 0")
}

// late is a body that does not come in time.
type late struct{ bytes.Reader }

func (l *late) Read([]byte) (int, error) { return 0, os.ErrDeadlineExceeded }

func TestABodyThatIsLate(t *testing.T) {
	k := newKit(t)
	for _, path := range []string{"/v1/verify", "/v1/challenges"} {
		request := httptest.NewRequest("POST", path, &late{})
		request.Header.Set("Content-Type", "application/json")
		request.ContentLength = 100
		recorder := httptest.NewRecorder()
		k.ServeHTTP(recorder, request)
		response, answer := k.decode(t, recorder)
		requireProblem(t, response, answer, http.StatusRequestTimeout, "timeout")
		requireDescribed(t, request, nil, recorder)
	}
}

// Who sends a body that nobody reads does not keep the connection.
func TestNothingFollowsABodyThatIsNotRead(t *testing.T) {
	k := newKit(t)
	address, _ := k.start(t, service.Listening{Address: "127.0.0.1:0"})
	for head, status := range map[string]int{
		"GET /healthz HTTP/1.1\r\nContent-Length: 100000":                                200,
		"GET /healthz HTTP/1.1\r\nTransfer-Encoding: chunked":                            200,
		"POST /healthz HTTP/1.1\r\nContent-Length: 100000":                               405,
		"POST /none HTTP/1.1\r\nContent-Length: 100000":                                  404,
		"POST /v1/verify HTTP/1.1\r\nContent-Length: 100000\r\nContent-Type: text/plain": 415,
		"POST /v1/verify HTTP/1.1\r\nContent-Length: 999999":                             415,
	} {
		conn, err := net.Dial("tcp", address)
		require.NoError(t, err)
		defer conn.Close()
		_, err = fmt.Fprintf(conn, "%s\r\nHost: h\r\n\r\n", head)
		require.NoError(t, err)
		response, err := http.ReadResponse(bufio.NewReader(conn), nil)
		require.NoError(t, err)
		assert.Equal(t, status, response.StatusCode, head)
		assert.True(t, response.Close, head)
	}
}

// A request that was read to its end leaves the connection to the next one,
// whatever came of it.
func TestAProblemLeavesTheConnection(t *testing.T) {
	k := newKit(t)
	address, _ := k.start(t, service.Listening{Address: "127.0.0.1:0"})
	conn, err := net.Dial("tcp", address)
	require.NoError(t, err)
	defer conn.Close()
	reader := bufio.NewReader(conn)
	for range 3 {
		_, err = io.WriteString(conn, "POST /v1/verify HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}")
		require.NoError(t, err)
		response, err := http.ReadResponse(reader, nil)
		require.NoError(t, err)
		assert.Equal(t, 404, response.StatusCode)
		assert.False(t, response.Close)
		_, err = io.Copy(io.Discard, response.Body)
		require.NoError(t, err)
	}
}
