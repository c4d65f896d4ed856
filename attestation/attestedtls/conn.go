package attestedtls

import (
	"crypto/tls"
	"net"
	"sync/atomic"
	"time"

	"github.com/nitroattest/nitroattest/attestation"
)

// Conn is a TLS connection to an attested enclave, a [net.Conn]. It is closed
// when its document means nothing any more, at Result.FreshUntil; nothing is
// read from it or written to it after that.
type Conn struct {
	tls     *tls.Conn
	result  *attestation.Result
	now     func() time.Time
	timer   *time.Timer
	expired atomic.Bool
}

var _ net.Conn = (*Conn)(nil)

func newConn(conn *tls.Conn, result *attestation.Result, now func() time.Time) *Conn {
	c := &Conn{tls: conn, result: result, now: now}
	// The timer is for a peer that is waited for, or waits. It may be late, since
	// clocks are set and machines sleep, so that every use asks the clock too.
	c.timer = time.AfterFunc(result.FreshUntil.Sub(now()), c.expire)
	return c
}

func (c *Conn) expire() {
	c.expired.Store(true)
	c.tls.NetConn().Close()
}

// check refuses a connection that has outlived its document.
func (c *Conn) check() error {
	err := checkFresh(c.result, c.now())
	if err == nil && c.expired.Load() {
		err = checkFresh(c.result, c.result.FreshUntil)
	}
	if err != nil {
		c.expire()
	}
	return err
}

// Result returns what is known about the enclave.
func (c *Conn) Result() *attestation.Result { return c.result }

// ConnectionState returns the state of the TLS connection.
func (c *Conn) ConnectionState() tls.ConnectionState { return c.tls.ConnectionState() }

// Read implements [net.Conn]. The error is an [*Error] with Expired once the
// document means nothing any more.
func (c *Conn) Read(b []byte) (int, error) {
	if err := c.check(); err != nil {
		return 0, err
	}
	n, err := c.tls.Read(b)
	if expired := c.check(); expired != nil {
		return 0, expired
	}
	return n, err
}

// Write implements [net.Conn]. The error is an [*Error] with Expired once
// the document means nothing any more.
func (c *Conn) Write(b []byte) (int, error) {
	if err := c.check(); err != nil {
		return 0, err
	}
	n, err := c.tls.Write(b)
	if err != nil && c.expired.Load() {
		err = c.check()
	}
	return n, err
}

// Close implements [net.Conn].
func (c *Conn) Close() error {
	c.timer.Stop()
	return c.tls.Close()
}

// LocalAddr implements [net.Conn].
func (c *Conn) LocalAddr() net.Addr { return c.tls.LocalAddr() }

// RemoteAddr implements [net.Conn].
func (c *Conn) RemoteAddr() net.Addr { return c.tls.RemoteAddr() }

// SetDeadline implements [net.Conn].
func (c *Conn) SetDeadline(t time.Time) error { return c.tls.SetDeadline(t) }

// SetReadDeadline implements [net.Conn].
func (c *Conn) SetReadDeadline(t time.Time) error { return c.tls.SetReadDeadline(t) }

// SetWriteDeadline implements [net.Conn].
func (c *Conn) SetWriteDeadline(t time.Time) error { return c.tls.SetWriteDeadline(t) }
