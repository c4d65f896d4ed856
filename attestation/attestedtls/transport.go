package attestedtls

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptrace"
	"sync/atomic"
	"time"

	"github.com/nitroattest/nitroattest/attestation"
)

// HTTP bounds what a Transport keeps and waits for. Its fields are those of the
// same names in http.Transport, and their zero values mean what they do there,
// except for IdleConnTimeout, which is 90 seconds then.
type HTTP struct {
	MaxConnsPerHost        int
	MaxIdleConnsPerHost    int
	IdleConnTimeout        time.Duration
	ResponseHeaderTimeout  time.Duration
	MaxResponseHeaderBytes int64
	DisableKeepAlives      bool
	DisableCompression     bool
}

// Transport is an [http.RoundTripper] that sends requests to attested enclaves
// only. Every connection is one of a [Dialer], so that a request is written
// when the document was verified, and the connection is gone when the document
// means nothing any more. It is safe for concurrent use.
//
// It speaks HTTP/1.1, takes a proxy from Config.Proxy and none from the environment,
// and refuses URLs other than https, also those of redirects. A redirect to
// another host is followed only if that is an enclave of the policy too.
type Transport struct{ http *http.Transport }

var _ http.RoundTripper = (*Transport)(nil)

// NewTransport returns a transport, or an error that names the field of Config
// that cannot be used.
func NewTransport(config Config) (*Transport, error) {
	dialer, err := NewDialer(config)
	if err != nil {
		return nil, err
	}
	limits := config.HTTP
	if limits.IdleConnTimeout == 0 {
		limits.IdleConnTimeout = 90 * time.Second
	}
	return &Transport{&http.Transport{
		MaxConnsPerHost:        limits.MaxConnsPerHost,
		MaxIdleConnsPerHost:    limits.MaxIdleConnsPerHost,
		IdleConnTimeout:        limits.IdleConnTimeout,
		ResponseHeaderTimeout:  limits.ResponseHeaderTimeout,
		MaxResponseHeaderBytes: limits.MaxResponseHeaderBytes,
		DisableKeepAlives:      limits.DisableKeepAlives,
		DisableCompression:     limits.DisableCompression,

		// A proxy, HTTP/2 and plain connections would not go through the dialer.
		Proxy:     nil,
		Protocols: onlyHTTP1(),
		DialContext: func(context.Context, string, string) (net.Conn, error) {
			return nil, errNotTLS
		},
		DialTLSContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			conn, err := dialer.DialContext(ctx, network, address)
			if err != nil {
				return nil, err
			}
			return conn, nil
		},
	}}, nil
}

func onlyHTTP1() *http.Protocols {
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	return protocols
}

var (
	errNotTLS = errorf(NotTLS, "expected an https URL")
	errNoConn = errors.New("attestedtls: the response came over no attested connection")
)

// RoundTrip implements [http.RoundTripper]. The context of the response's
// Request holds the result, see [FromContext]. If there is no attested
// connection the error holds an [*Error] or is that of Config.Dial, and nothing
// of the request was sent.
func (t *Transport) RoundTrip(request *http.Request) (*http.Response, error) {
	if request.URL == nil || request.URL.Scheme != "https" {
		if request.Body != nil {
			request.Body.Close()
		}
		return nil, errNotTLS
	}
	var used atomic.Pointer[Conn] // the last one, should the request be tried again
	ctx := httptrace.WithClientTrace(request.Context(), &httptrace.ClientTrace{
		GotConn: func(info httptrace.GotConnInfo) {
			conn, _ := info.Conn.(*Conn)
			used.Store(conn)
		},
	})
	response, err := t.http.RoundTrip(request.WithContext(ctx))
	if err != nil {
		return nil, err
	}
	conn := used.Load()
	if conn == nil {
		response.Body.Close()
		return nil, errNoConn
	}
	state := conn.ConnectionState()
	response.TLS = &state
	response.Request = request.WithContext(newContext(request.Context(), conn.Result()))
	return response, nil
}

// CloseIdleConnections closes the connections that no request uses.
func (t *Transport) CloseIdleConnections() { t.http.CloseIdleConnections() }

type contextKey struct{}

func newContext(ctx context.Context, result *attestation.Result) context.Context {
	return context.WithValue(ctx, contextKey{}, result)
}

// FromContext returns what is known about the enclave that a response came
// from, given the context of the response's Request:
//
//	result, ok := attestedtls.FromContext(response.Request.Context())
//
// All responses of one connection share the result, which must not be modified.
func FromContext(ctx context.Context) (*attestation.Result, bool) {
	result, ok := ctx.Value(contextKey{}).(*attestation.Result)
	return result, ok
}
