package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/nitroattest/nitroattest/attestation/challenge/redisstore/redistest"
)

// balancer copies bytes between clients and the members that say that they are
// ready, as a balancer of TCP connections does.
type balancer struct {
	net.Listener
	members []*member
	next    atomic.Int64
}

type member struct {
	address, admin string
	ready          atomic.Bool
	looked         atomic.Int64 // how often the balancer has asked it
}

func newBalancer(t *testing.T, members ...*member) *balancer {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	b := &balancer{Listener: listener, members: members}
	ctx, cancel := context.WithCancel(t.Context())
	var looking sync.WaitGroup
	for _, m := range members {
		looking.Go(func() { m.watch(ctx) })
	}
	go b.accept()
	t.Cleanup(func() {
		cancel()
		listener.Close()
		looking.Wait()
	})
	return b
}

func (m *member) watch(ctx context.Context) {
	for ctx.Err() == nil {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+m.admin+"/readyz", nil)
		if err != nil {
			panic(err) // it is an address
		}
		response, err := http.DefaultClient.Do(request)
		if err == nil {
			response.Body.Close()
		}
		m.ready.Store(err == nil && response.StatusCode == http.StatusOK)
		m.looked.Add(1)
		time.Sleep(10 * time.Millisecond)
	}
}

func (b *balancer) accept() {
	for {
		client, err := b.Accept()
		if err != nil {
			return
		}
		go b.forward(client)
	}
}

func (b *balancer) forward(client net.Conn) {
	defer client.Close()
	for range b.members {
		m := b.members[int(b.next.Add(1))%len(b.members)]
		if !m.ready.Load() {
			continue
		}
		server, err := net.Dial("tcp", m.address)
		if err != nil {
			return // it was ready; a balancer that passes bytes on does not ask again
		}
		defer server.Close()
		go func() {
			_, _ = io.Copy(server, client)
			_ = server.(*net.TCPConn).CloseWrite()
		}()
		_, _ = io.Copy(client, server)
		return
	}
}

// until waits for the balancer to have noticed.
func (m *member) until(ready bool) {
	for m.ready.Load() != ready {
		time.Sleep(time.Millisecond)
	}
}

// Clients that keep their connections, and one that does not, ask without a break
// while both replicas are replaced.
func TestRollingRestartLosesNoRequest(t *testing.T) {
	flags := append(replicaFlags(t, redistest.New(t, redisOptions...)), "--shutdown-delay", "2s")
	members, replicas := make([]*member, 2), make([]*replica, 2)
	begin := func(i int) {
		replicas[i] = startReplica(t, append(flags, "--listen", members[i].address, "--admin-listen", members[i].admin))
	}
	for i := range members {
		members[i] = &member{address: freeAddress(t), admin: freeAddress(t)}
		begin(i)
	}
	b := newBalancer(t, members...)
	for _, m := range members {
		m.until(true)
	}

	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var clients sync.WaitGroup
	var answered atomic.Int64
	for i := range 4 {
		transport := &http.Transport{DisableKeepAlives: i == 0}
		client := &http.Client{Transport: transport}
		clients.Go(func() {
			defer transport.CloseIdleConnections()
			for ctx.Err() == nil {
				if !assert.NoError(t, ask(client, "http://"+b.Addr().String())) {
					return
				}
				answered.Add(1)
			}
		})
	}
	for i, m := range members {
		before := answered.Load()
		require.NoError(t, replicas[i].end(syscall.SIGTERM), replicas[i].log.String())
		m.until(false)
		begin(i)
		m.until(true)
		assert.Greater(t, answered.Load(), before)
	}
	cancel()
	clients.Wait()
	t.Logf("%d exchanges", answered.Load())
}

func freeAddress(t testing.TB) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer listener.Close()
	return listener.Addr().String()
}

// ask makes one exchange, and is content with an accepted document.
func ask(client *http.Client, url string) error {
	post := func(path, body string) (answer, error) {
		return read(client.Post(url+path, "application/json", strings.NewReader(body)))
	}
	given, err := post("/v1/challenges", "{}")
	if err != nil {
		return err
	}
	request, err := answerTo(given.Challenge)
	if err != nil {
		return err
	}
	verdict, err := post("/v1/verify", request)
	if err == nil && (verdict.Accepted == nil || !*verdict.Accepted) {
		err = fmt.Errorf("found %+v, expected an accepted document", verdict)
	}
	return err
}
