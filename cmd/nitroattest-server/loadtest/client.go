//go:build linux

package main

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nitroattest/nitroattest/attestation/attestationtest"
)

// prepare makes requests, ready to be written to a connection, each with a
// document for a challenge of its own.
func prepare(e endpoint, count int) ([][]byte, error) {
	requests := make([][]byte, count)
	errs := make([]error, runtime.GOMAXPROCS(0))
	var next atomic.Int64
	var wg sync.WaitGroup
	for worker := range errs {
		wg.Go(func() {
			for i := next.Add(1) - 1; i < int64(count) && errs[worker] == nil; i = next.Add(1) - 1 {
				requests[i], errs[worker] = newRequest(e)
			}
		})
	}
	wg.Wait()
	for _, err := range errs {
		if err != nil {
			return nil, err
		}
	}
	return requests, nil
}

func newRequest(e endpoint) ([]byte, error) {
	response, err := e.client.Post(e.url("/v1/challenges"), "application/json", strings.NewReader("{}"))
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	var answer struct {
		Challenge string `json:"challenge"`
	}
	if err := json.NewDecoder(response.Body).Decode(&answer); err != nil {
		return nil, err
	}
	nonce, err := base64.RawURLEncoding.DecodeString(answer.Challenge)
	if err != nil {
		return nil, err
	}
	document := hypervisor.Attest(attestationtest.Request{Nonce: nonce, PublicKey: make([]byte, 294)})
	return raw(e.address, mustJSON(map[string]string{"policy": "load", "challenge": answer.Challenge, "ear": *ear, "report": *report,
		"document": base64.StdEncoding.EncodeToString(document)})), nil
}

func raw(target string, body []byte) []byte {
	return append(fmt.Appendf(nil, "POST /v1/verify HTTP/1.1\r\nHost: %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n", target, len(body)), body...)
}

// connection speaks just enough HTTP to cost little beside the service.
type connection struct {
	net.Conn
	reader *bufio.Reader
	body   []byte
}

func newConnection(conn net.Conn) *connection {
	return &connection{Conn: conn, reader: bufio.NewReaderSize(conn, 32<<10)}
}

// exchange returns the status and the body, which is good until the next one.
func (c *connection) exchange(request []byte) (int, []byte, error) {
	if _, err := c.Write(request); err != nil {
		return 0, nil, err
	}
	status, length, chunked := 0, -1, false
	for {
		line, err := c.reader.ReadSlice('\n')
		if err != nil {
			return 0, nil, err
		}
		line = bytes.TrimRight(line, "\r\n")
		if rest, ok := bytes.CutPrefix(line, []byte("HTTP/1.1 ")); ok && status == 0 {
			status, err = strconv.Atoi(string(rest[:min(3, len(rest))]))
		} else if rest, ok := bytes.CutPrefix(line, []byte("Content-Length: ")); ok {
			length, err = strconv.Atoi(string(rest))
		} else if bytes.Equal(line, []byte("Transfer-Encoding: chunked")) {
			chunked = true
		} else if len(line) == 0 {
			err = c.readBody(length, chunked)
			return status, c.body, err
		}
		if err != nil {
			return 0, nil, err
		}
	}
}

func (c *connection) readBody(length int, chunked bool) error {
	if !chunked {
		c.body = slices.Grow(c.body[:0], max(length, 0))[:max(length, 0)]
		_, err := io.ReadFull(c.reader, c.body)
		return err
	}
	c.body = c.body[:0]
	for {
		line, err := c.reader.ReadSlice('\n')
		if err != nil {
			return err
		}
		size, err := strconv.ParseUint(string(bytes.TrimRight(line, "\r\n")), 16, 20)
		if err != nil {
			return err
		}
		at := len(c.body)
		c.body = slices.Grow(c.body, int(size)+2)[:at+int(size)+2]
		if _, err := io.ReadFull(c.reader, c.body[at:]); err != nil {
			return err
		}
		c.body = c.body[:at+int(size)]
		if size == 0 {
			return nil
		}
	}
}

// outcome is how long each request took, and all of them together.
type outcome struct {
	took  []time.Duration // sorted
	total time.Duration
	err   error
}

func (o outcome) perSecond() float64 { return float64(len(o.took)) / o.total.Seconds() }

func (o outcome) quantile(q float64) time.Duration {
	return o.took[min(int(q*float64(len(o.took))), len(o.took)-1)].Round(time.Microsecond)
}

// drive sends every request once, each at its time. The latency counts from then,
// however late it was sent. Anything but an accepted document is an error.
func drive(e endpoint, requests [][]byte, connections int, pace time.Duration) outcome {
	result := outcome{took: make([]time.Duration, len(requests))}
	errs := make([]error, connections)
	var next atomic.Int64
	var wg sync.WaitGroup
	begin := time.Now()
	for worker := range connections {
		wg.Go(func() {
			conn, err := e.dial()
			if err != nil {
				errs[worker] = err
				return
			}
			defer conn.Close()
			c := newConnection(conn)
			for i := next.Add(1) - 1; i < int64(len(requests)); i = next.Add(1) - 1 {
				start := begin.Add(time.Duration(i) * pace)
				time.Sleep(time.Until(start))
				status, body, err := c.exchange(requests[i])
				if err == nil && (status != 200 || !bytes.Contains(body, []byte(`"accepted":true`))) {
					err = fmt.Errorf("status %d: %.300s", status, body)
				}
				if err != nil {
					errs[worker] = err
					return
				}
				result.took[i] = time.Since(start)
			}
		})
	}
	wg.Wait()
	result.total = time.Since(begin)
	slices.Sort(result.took)
	for _, err := range errs {
		if err != nil {
			result.err = err
		}
	}
	return result
}
