package attestedtls

import (
	"bufio"
	"context"
	"encoding/base64"
	"io"
	"net"
	"net/http"
	"net/url"
	"time"
)

// dial makes the connection under TLS, through a proxy if there is one for the
// address. A proxy by CONNECT passes on bytes, as every router does: what it
// does to them, TLS notices.
func (d *Dialer) dial(ctx context.Context, network, address string) (net.Conn, error) {
	if d.config.Proxy == nil {
		return d.config.Dial(ctx, network, address)
	}
	proxy, err := d.config.Proxy(&http.Request{Method: http.MethodConnect, URL: &url.URL{Scheme: "https", Host: address}})
	if err != nil {
		return nil, &Error{Reason: Proxy, Detail: "choosing one for " + address, Err: err}
	}
	if proxy == nil {
		return d.config.Dial(ctx, network, address)
	}
	if proxy.Scheme != "http" {
		return nil, errorf(Proxy, "found a proxy of scheme %q, expected http", proxy.Scheme)
	}
	host := proxy.Host
	if proxy.Port() == "" {
		host = net.JoinHostPort(proxy.Hostname(), "80")
	}
	conn, err := d.config.Dial(ctx, network, host)
	if err != nil {
		return nil, err
	}
	stop := context.AfterFunc(ctx, func() { conn.SetDeadline(time.Unix(1, 0)) })
	err = connect(conn, proxy, address)
	if !stop() {
		err = &Error{Reason: Proxy, Detail: "not in time", Err: context.Cause(ctx)}
	}
	if err != nil {
		conn.Close()
		return nil, err
	}
	return conn, nil
}

// connect asks a proxy for a tunnel (RFC 9110, section 9.3.6).
func connect(conn net.Conn, proxy *url.URL, address string) error {
	request := &http.Request{Method: http.MethodConnect, URL: &url.URL{Opaque: address}, Host: address, Header: http.Header{"User-Agent": {"nitroattest"}}}
	if proxy.User != nil {
		password, _ := proxy.User.Password()
		credential := base64.StdEncoding.EncodeToString([]byte(proxy.User.Username() + ":" + password))
		request.Header.Set("Proxy-Authorization", "Basic "+credential)
	}
	if err := request.Write(conn); err != nil {
		return &Error{Reason: Proxy, Detail: "asking for a tunnel", Err: err}
	}
	// Nothing may come after the answer before the client has sent something, so
	// that the buffer takes nothing away from TLS.
	buffered := bufio.NewReader(io.LimitReader(conn, maxHeader))
	response, err := http.ReadResponse(buffered, request)
	switch {
	case err != nil:
		return &Error{Reason: Proxy, Detail: "reading its answer", Err: withoutQuotes(err)}
	case response.StatusCode != http.StatusOK:
		return errorf(Proxy, "found status %d, expected 200", response.StatusCode)
	case buffered.Buffered() > 0:
		return errorf(Proxy, "found %d bytes after its answer, expected none before the handshake", buffered.Buffered())
	}
	return nil
}
