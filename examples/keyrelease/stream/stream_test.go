package stream_test

import (
	"bytes"
	"io"
	"net"
	"runtime"
	"testing"

	"github.com/mdlayher/vsock"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/nitroattest/nitroattest/examples/keyrelease/stream"
)

func TestMessages(t *testing.T) {
	var wire bytes.Buffer
	for _, message := range []string{"", "one", "another", string(make([]byte, stream.MaxMessage))} {
		require.NoError(t, stream.Send(&wire, []byte(message)))
		received, err := stream.Receive(&wire)
		require.NoError(t, err)
		assert.Equal(t, message, string(received))
	}
	assert.ErrorContains(t, stream.Send(&wire, make([]byte, stream.MaxMessage+1)), "expected at most")
	assert.Zero(t, wire.Len())
}

func TestMessagesThatAreNone(t *testing.T) {
	for _, test := range []struct{ wire, message string }{
		{"", "EOF"},
		{"\x00\x00", "unexpected EOF"},
		{"\x00\x00\x00\x02a", "unexpected EOF"},
		{"\x00\x00\x00\x02", "unexpected EOF"},
		{"\x00\x01\x00\x01", "expected at most"},
		{"\xff\xff\xff\xff", "expected at most"},
	} {
		_, err := stream.Receive(bytes.NewReader([]byte(test.wire)))
		assert.ErrorContains(t, err, test.message)
	}
}

func TestClaimedLengthIsNotAllocated(t *testing.T) {
	wire := []byte("\x00\x01\x00\x00a")
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for range 100 {
		_, _ = stream.Receive(bytes.NewReader(wire))
	}
	runtime.ReadMemStats(&after)
	assert.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(100*stream.MaxMessage/4))
}

func TestListenAndDial(t *testing.T) {
	listener, err := stream.Listen()
	require.NoError(t, err)
	defer listener.Close()
	t.Log("over", listener.Addr().Network())
	conn, err := stream.Dial(listener.Addr())
	require.NoError(t, err)
	defer conn.Close()
	accepted, err := listener.Accept()
	require.NoError(t, err)
	defer accepted.Close()
	require.NoError(t, stream.Send(conn, []byte("hello")))
	message, err := stream.Receive(accepted)
	require.NoError(t, err)
	assert.Equal(t, "hello", string(message))
}

// Where the kernel has a loopback for vsock, that is what Listen takes.
func TestListenPrefersVsock(t *testing.T) {
	probe, err := vsock.ListenContextID(vsock.Local, 0, nil)
	if err != nil {
		t.Skip("no loopback for vsock here:", err)
	}
	require.NoError(t, probe.Close())
	listener, err := stream.Listen()
	require.NoError(t, err)
	defer listener.Close()
	assert.Equal(t, "vsock", listener.Addr().Network())
}

func TestDialElsewhere(t *testing.T) {
	_, err := stream.Dial(&net.UnixAddr{Name: "socket", Net: "unix"})
	assert.ErrorContains(t, err, "expected vsock or TCP")
}

func TestRelaySaysWhereItEnded(t *testing.T) {
	outside, toOutside := net.Pipe()
	inside, toInside := net.Pipe()
	ended := make(chan error, 1)
	go func() { ended <- stream.Relay(toOutside, toInside, nil) }()
	require.NoError(t, stream.Send(outside, []byte("nonce")))
	message, err := stream.Receive(inside)
	require.NoError(t, err)
	assert.Equal(t, "nonce", string(message))
	require.NoError(t, inside.Close())
	assert.ErrorContains(t, <-ended, "stream: document: ")
	_, err = stream.Receive(outside)
	assert.ErrorIs(t, err, io.EOF, "the other side was hung up on")
}

func TestRelayRefusesTooMuch(t *testing.T) {
	outside, toOutside := net.Pipe()
	_, toInside := net.Pipe()
	ended := make(chan error, 1)
	go func() {
		ended <- stream.Relay(toOutside, toInside, func(stream.Step, []byte) []byte { return make([]byte, stream.MaxMessage+1) })
	}()
	require.NoError(t, stream.Send(outside, []byte("nonce")))
	assert.ErrorContains(t, <-ended, "stream: nonce: ")
}
