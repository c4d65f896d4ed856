package service

import (
	"bufio"
	"net"
)

// bufferedListener reads from its connections in pieces that hold a whole
// request of the usual size. Package http asks for half as much at a time, and
// each time costs a call into the kernel.
type bufferedListener struct{ net.Listener }

const readSize = 8 << 10

// Accept implements [net.Listener].
func (l bufferedListener) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return &bufferedConn{conn, bufio.NewReaderSize(conn, readSize)}, nil
}

type bufferedConn struct {
	net.Conn
	reader *bufio.Reader
}

// Read implements [net.Conn]. An error such as a deadline that has passed is
// returned once and forgotten, as package http needs it.
func (c *bufferedConn) Read(p []byte) (int, error) { return c.reader.Read(p) }
