package redisstore_test

import (
	"io"
	"net"
	"sync/atomic"
)

// lossyConn makes connections that lose one answer when they are told to: it
// arrives, and the reader is told that the connection has ended.
type lossyConn struct{ lose atomic.Bool }

func (l *lossyConn) wrap(conn net.Conn) net.Conn { return &losing{conn, l} }

type losing struct {
	net.Conn
	lossy *lossyConn
}

func (c *losing) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if err == nil && c.lossy.lose.CompareAndSwap(true, false) {
		_ = c.Close()
		return 0, io.EOF
	}
	return n, err
}
