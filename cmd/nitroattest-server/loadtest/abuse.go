//go:build linux

package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"os"
	"runtime/debug"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

// misuse is what many connections do who are not in earnest.
type misuse struct {
	connections int
	addresses   int           // that they come from
	every       time.Duration // between two of them that start
	once        bool          // none starts again
	each        func(context.Context, net.Conn, int)
}

// hold is how long a connection keeps back what it owes.
const hold = 8 * time.Second

var misuses = map[string]misuse{
	"bodies":     {1010, 1, 10 * time.Millisecond, false, slowBody},
	"hellos":     {1010, 1, 10 * time.Millisecond, false, slowHello},
	"mixed":      {4000, 16, 2 * time.Millisecond, false, mixed},
	"idle":       {1024, 1, time.Millisecond, false, idle},
	"handshakes": {4000, 1, 2500 * time.Microsecond, true, handshake},
}

// abuse goes on until standard input ends. It lets the service and the honest
// clients go first on every core, for those who do this are on other machines and
// cost nothing but for what they send.
func abuse(kind, target string) error {
	m, ok := misuses[kind]
	if !ok {
		return fmt.Errorf("-kind: found %q", kind)
	}
	if err := unix.Setpriority(unix.PRIO_PROCESS, 0, 19); err != nil {
		return fmt.Errorf("setpriority: %w", err)
	}
	debug.SetGCPercent(1000)
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		cancel()
	}()
	fmt.Println("ready")
	var opened, most, open atomic.Int64
	var wg sync.WaitGroup
	for i := range m.connections {
		wg.Go(func() {
			pause(ctx, time.Duration(i)*m.every)
			for ctx.Err() == nil {
				conn, err := dialFrom(ctx, fmt.Sprintf("127.0.0.%d", 2+i%m.addresses), target)
				if err == nil {
					opened.Add(1)
					most.Store(max(most.Load(), open.Add(1)))
					_ = conn.(*net.TCPConn).SetLinger(0)
					m.each(ctx, conn, i)
					conn.Close()
					open.Add(-1)
				}
				if m.once {
					return
				}
				pause(ctx, time.Second)
			}
		})
	}
	<-ctx.Done()
	wg.Wait()
	fmt.Printf("%d connections opened, at most %d of them open at a time\n", opened.Load(), most.Load())
	return nil
}

func pause(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}

// wait returns early when the other side closes the connection. It takes nothing
// else from it.
func wait(ctx context.Context, conn net.Conn, d time.Duration) {
	stop := context.AfterFunc(ctx, func() { _ = conn.SetReadDeadline(time.Unix(1, 0)) })
	defer stop()
	_ = conn.SetReadDeadline(time.Now().Add(d))
	_, _ = io.Copy(io.Discard, conn)
}

// What is sent again and again.
var (
	largeRequest = raw("loadtest", bytes.Repeat([]byte(" "), 127<<10))
	longHello    = makeHello()
	longHeader   = fmt.Appendf(nil, "GET /healthz HTTP/1.1\r\nHost: loadtest\r\nX-Long: %s", bytes.Repeat([]byte("x"), 15<<10))
	manyRequests = bytes.Repeat([]byte("GET /openapi.json HTTP/1.1\r\nHost: loadtest\r\n\r\n"), 200)
)

func slowBody(ctx context.Context, conn net.Conn, _ int) {
	last := len(largeRequest) - 1
	_, _ = conn.Write(largeRequest[:last])
	wait(ctx, conn, hold)
	_, _ = conn.Write(largeRequest[last:])
}

// makeHello is all but the end of a handshake message of 64 KiB, in records of 16
// KiB.
func makeHello() []byte {
	const message, record = 64<<10 - 4, 16 << 10
	hello := append([]byte{1, 0, message >> 8, message & 0xff}, make([]byte, message)...)
	var sent []byte
	for part := range slices.Chunk(hello, record) {
		sent = append(append(sent, 22, 3, 1, record>>8, record&0xff), part...)
	}
	return sent[:len(sent)-1]
}

func slowHello(ctx context.Context, conn net.Conn, _ int) {
	_, _ = conn.Write(longHello)
	wait(ctx, conn, hold)
}

func slowHeader(ctx context.Context, conn net.Conn, _ int) {
	_, _ = conn.Write(longHeader)
	for range int(hold / time.Second) {
		if _, err := conn.Write([]byte("x")); err != nil {
			return
		}
		wait(ctx, conn, time.Second)
	}
}

// slowReader asks for far more than the kernel keeps for it and takes none of it.
func slowReader(ctx context.Context, conn net.Conn, _ int) {
	_ = conn.(*net.TCPConn).SetReadBuffer(4 << 10)
	_ = conn.SetWriteDeadline(time.Now().Add(time.Second))
	_, _ = conn.Write(manyRequests)
	pause(ctx, hold)
}

func mixed(ctx context.Context, conn net.Conn, i int) {
	[]func(context.Context, net.Conn, int){slowHeader, slowBody, slowReader}[i/16%3](ctx, conn, i)
}

func idle(ctx context.Context, conn net.Conn, _ int) {
	if _, err := conn.Write([]byte("GET /healthz HTTP/1.1\r\nHost: loadtest\r\n\r\n")); err == nil {
		wait(ctx, conn, time.Minute)
	}
}

// handshake goes as far as it gets without a certificate, which for a client of
// TLS 1.3 is the end.
func handshake(ctx context.Context, conn net.Conn, _ int) {
	client := tls.Client(conn, &tls.Config{InsecureSkipVerify: true})
	if client.HandshakeContext(ctx) == nil {
		wait(ctx, conn, hold)
	}
}
