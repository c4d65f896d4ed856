package main

import (
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/nitroattest/nitroattest/attestation/challenge/redisstore/redistest"
)

// slowly listens in front of a server and keeps each of its answers back.
func slowly(b *testing.B, target string, delay time.Duration) string {
	b.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(b, err)
	b.Cleanup(func() { listener.Close() })
	go func() {
		for {
			client, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				defer client.Close()
				server, err := net.Dial("tcp", target)
				if err != nil {
					return
				}
				defer server.Close()
				go func() {
					_, _ = io.Copy(server, client)
					server.Close()
				}()
				answer := make([]byte, 64<<10)
				for {
					n, err := server.Read(answer)
					if err != nil {
						return
					}
					time.Sleep(delay)
					if _, err := client.Write(answer[:n]); err != nil {
						return
					}
				}
			}()
		}
	}()
	return listener.Addr().String()
}

// BenchmarkSlowStore has 200 clients ask at once, again and again, with a store
// that takes 300 ms, and reports what became of their requests.
func BenchmarkSlowStore(b *testing.B) {
	const clients = 200
	port := freePort(b)
	redistest.New(b, "--requirepass", redisTestPassword, "--port", port)
	flags := append(replicaFlags(b, nil), "--listen", "127.0.0.1:0", "--redis", "redis://"+slowly(b, "127.0.0.1:"+port, 300*time.Millisecond))
	r := startReplica(b, flags)
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: clients}}
	defer client.CloseIdleConnections()
	post := func(path, body string) (answer, error) {
		return read(client.Post(r.url+path, "application/json", strings.NewReader(body)))
	}
	var accepted, unavailable, other atomic.Int64
	begin := time.Now()
	for b.Loop() {
		var all sync.WaitGroup
		for range clients {
			all.Go(func() {
				given, err := post("/v1/challenges", "{}")
				require.NoError(b, err)
				request, err := answerTo(given.Challenge)
				require.NoError(b, err)
				switch verdict, err := post("/v1/verify", request); {
				case err == nil && verdict.Accepted != nil && *verdict.Accepted:
					accepted.Add(1)
				case err == nil && verdict.status == http.StatusServiceUnavailable:
					unavailable.Add(1)
				default:
					other.Add(1)
				}
			})
		}
		all.Wait()
	}
	b.ReportMetric(float64(accepted.Load()), "accepted")
	b.ReportMetric(float64(unavailable.Load()), "unavailable")
	b.ReportMetric(float64(other.Load()), "other")
	b.ReportMetric(float64(accepted.Load())/time.Since(begin).Seconds(), "accepted/s")
}
