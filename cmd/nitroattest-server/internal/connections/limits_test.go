package connections_test

import (
	"fmt"
	"io"
	"net"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/nitroattest/nitroattest/cmd/nitroattest-server/internal/connections"
)

const (
	one   = "127.0.0.1"
	other = "127.0.0.2"
	third = "127.0.0.3"
)

func TestAClientGivesUpItsOldestIdleConnection(t *testing.T) {
	s := start(t, connections.Limits{Total: 10, PerClient: 2, Handshakes: 1}, nil)
	kept := s.idle(other)
	first, second := s.idle(one), s.idle(one)
	s.await("waiting", 3)
	requireAnswers(t, first) // now the second one is the oldest
	s.await("waiting", 3)
	newcomer := s.idle(one)
	requireClosed(t, second)
	requireAnswers(t, kept, first, newcomer)
	stats := s.Stats()
	assert.Equal(t, 1, stats.GivenUp["client"])
	assert.Equal(t, 0, stats.Refused["client"])
	assert.Equal(t, 2, stats.Clients)
}

func TestAClientWhoseConnectionsAreAllBusyGetsNoMore(t *testing.T) {
	s := start(t, connections.Limits{Total: 10, PerClient: 2, Handshakes: 1}, nil)
	busy := []net.Conn{s.dial(one), s.dial(one)}
	for _, conn := range busy {
		send(t, conn, "/wait")
		<-s.begun
	}
	s.await("busy", 2)
	s.requireRefused(one)
	requireAnswers(t, s.idle(other))
	close(s.waiting)
	for _, conn := range busy {
		requireOK(t, conn)
	}
	stats := s.Stats()
	assert.Equal(t, 1, stats.Refused["client"])
	assert.Zero(t, stats.GivenUp["client"]+stats.GivenUp["total"])
}

// Neither does the one with fewer lose any.
func TestWhoHasTheMostMakesRoom(t *testing.T) {
	s := start(t, connections.Limits{Total: 4, PerClient: 4, Handshakes: 1}, nil)
	kept := s.idle(other) // the oldest of all
	heavy := []net.Conn{s.idle(one), s.idle(one), s.idle(one)}
	s.await("waiting", 4)
	newcomer := s.idle(third)
	requireClosed(t, heavy[0])
	requireAnswers(t, kept, newcomer, heavy[1], heavy[2])
	assert.Equal(t, 1, s.Stats().GivenUp["total"])
}

func TestWhoHasFewerConnectionsThanTheNewcomerLosesNone(t *testing.T) {
	s := start(t, connections.Limits{Total: 3, PerClient: 3, Handshakes: 1}, nil)
	kept := s.idle(other)
	for range 2 {
		send(t, s.dial(one), "/wait")
		<-s.begun
	}
	s.await("busy", 2)
	s.requireRefused(one)
	requireAnswers(t, kept)
	assert.Equal(t, 1, s.Stats().Refused["total"])
	close(s.waiting)
}

// Of one client, the connections that owe nothing go first; then those that keep
// the service waiting go, and a request that is being answered never.
func TestWhatIsGivenUpFirst(t *testing.T) {
	s := start(t, connections.Limits{Total: 4, PerClient: 4, Handshakes: 1}, nil)
	answered := s.dial(one)
	send(t, answered, "/wait")
	<-s.begun
	slow := s.dial(one)
	_, err := io.WriteString(slow, "POST /read HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\n123")
	require.NoError(t, err)
	<-s.begun
	s.await("reading", 1) // before the next one begins: the older goes first
	stalled := s.dial(one)
	require.NoError(t, stalled.(*net.TCPConn).SetReadBuffer(4<<10))
	send(t, stalled, "/much")
	<-s.begun
	s.await("busy", 2)
	time.Sleep(1100 * time.Millisecond) // the time that a client has to take its answer
	silent := s.dial(one)
	s.await("waiting", 1)

	newcomers := []net.Conn{s.idle(other)}
	requireClosed(t, silent)
	newcomers = append(newcomers, s.idle(third))
	requireClosed(t, slow)
	s.await("busy", 2)
	newcomers = append(newcomers, s.idle("127.0.0.4"))
	s.await("busy", 1)
	requireAnswers(t, newcomers...)
	close(s.waiting)
	requireOK(t, answered)
	assert.Equal(t, 3, s.Stats().GivenUp["total"])
}

func TestEndedConnectionsCountNoMore(t *testing.T) {
	s := start(t, connections.Limits{Total: 2, PerClient: 2, Handshakes: 1}, nil)
	for range 10 {
		conn := s.idle(one)
		require.NoError(t, conn.Close())
		s.awaitStats(func(stats connections.Stats) bool { return stats.Clients == 0 })
	}
	stats := s.Stats()
	assert.Zero(t, stats.GivenUp["client"]+stats.GivenUp["total"]+stats.Refused["client"]+stats.Refused["total"])
}

func TestMostConnectionsOfOneClientKeepNobodyOut(t *testing.T) {
	s := start(t, connections.Limits{Total: 40, PerClient: 10, Handshakes: 1}, nil)
	for i := range 60 {
		s.idle(fmt.Sprintf("127.0.0.%d", 10+i%6))
	}
	for range 20 {
		requireAnswers(t, s.idle(other))
	}
	stats := s.Stats()
	assert.LessOrEqual(t, stats.States["waiting"], 40)
	assert.Zero(t, stats.Refused["client"]+stats.Refused["total"])
}
