package service_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/nitroattest/nitroattest/cmd/nitroattest-server/internal/service"
)

// A proxy that goes by these headers reads another body than the service does.
func TestBodiesThatHeadersMakeAmbiguous(t *testing.T) {
	k := newKit(t)
	for name, c := range map[string]struct {
		header http.Header
		detail string // empty: it is taken
	}{
		"utf-8":              {http.Header{"Content-Type": {"application/json; charset=UTF-8"}}, ""},
		"another parameter":  {http.Header{"Content-Type": {"application/json; v=1"}}, ""},
		"utf-16":             {http.Header{"Content-Type": {"application/json; charset=utf-16"}}, "found another charset"},
		"utf-7":              {http.Header{"Content-Type": {`application/json; charset="utf-7"`}}, "found another charset"},
		"two types":          {http.Header{"Content-Type": {"application/json", "text/plain"}}, "found 2 Content-Types"},
		"twice the same":     {http.Header{"Content-Type": {"application/json", "application/json"}}, "found 2 Content-Types"},
		"no type":            {http.Header{}, "found 0 Content-Types"},
		"a content encoding": {http.Header{"Content-Type": {"application/json"}, "Content-Encoding": {"gzip"}}, "found a Content-Encoding"},
	} {
		t.Run(name, func(t *testing.T) {
			request := httptest.NewRequest("POST", "/v1/verify", strings.NewReader(toJSON(t, k.good(t))))
			request.Header = c.header
			response, answer := k.do(t, request)
			if c.detail == "" {
				assert.Equal(t, true, answer["accepted"])
				return
			}
			requireProblem(t, response, answer, 415, "unsupported-media-type")
			assert.Contains(t, answer["detail"], c.detail)
		})
	}
}

// What follows is a second request to this server, and a part of the first one
// to a proxy that goes by the Content-Length.
func TestNothingFollowsAChunkedRequest(t *testing.T) {
	k := newKit(t)
	address, _ := k.start(t, service.Listening{Address: "127.0.0.1:0"})
	second := "GET /healthz HTTP/1.1\r\nHost: h\r\n\r\n"
	body := toJSON(t, k.good(t))
	chunked := fmt.Sprintf("%x\r\n%s\r\n0\r\n\r\n", len(body), body)
	for name, length := range map[string]string{"with a length": fmt.Sprintf("Content-Length: %d\r\n", len(chunked)+len(second)), "without": ""} {
		t.Run(name, func(t *testing.T) {
			conn, err := net.Dial("tcp", address)
			require.NoError(t, err)
			defer conn.Close()
			_, err = fmt.Fprintf(conn, "POST /v1/verify HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\n%sTransfer-Encoding: chunked\r\n\r\n%s%s", length, chunked, second)
			require.NoError(t, err)
			reader := bufio.NewReader(conn)
			response, err := http.ReadResponse(reader, nil)
			require.NoError(t, err)
			assert.Equal(t, 200, response.StatusCode)
			assert.True(t, response.Close)
			_, err = io.Copy(io.Discard, response.Body)
			require.NoError(t, err)
			rest, _ := io.ReadAll(reader) // the end may come as a reset
			assert.Empty(t, rest)
		})
	}
	assert.NotContains(t, k.log.String(), "/healthz")
}

func TestPathsAreTakenAsTheyAre(t *testing.T) {
	k := newKit(t)
	for _, path := range []string{"//v1/verify", "/v1//verify", "/v1/../v1/verify", "/v1/./verify", "/v1/verify/", "//example.com/", ""} {
		request := httptest.NewRequest("POST", "/", strings.NewReader(toJSON(t, k.good(t))))
		request.Header.Set("Content-Type", "application/json")
		request.URL.Path = path
		response, answer := k.do(t, request)
		requireProblem(t, response, answer, 404, "not-found")
		assert.Contains(t, k.log.String(), response.Header.Get("X-Request-Id"))
	}
}

// Whoever claims to send much and does not costs little.
func TestAClaimedLengthTakesNoMemory(t *testing.T) {
	k := newKit(t)
	const requests = 100
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for range requests {
		request := httptest.NewRequest("POST", "/v1/verify", strings.NewReader("{"))
		request.Header.Set("Content-Type", "application/json")
		request.ContentLength = 128 << 10
		recorder := httptest.NewRecorder()
		k.ServeHTTP(recorder, request)
		require.Equal(t, 400, recorder.Code)
	}
	runtime.ReadMemStats(&after)
	assert.Less(t, (after.TotalAlloc-before.TotalAlloc)/requests, uint64(48<<10))
}
