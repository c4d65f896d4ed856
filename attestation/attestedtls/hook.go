package attestedtls

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"errors"
	"maps"
	"sync"

	"github.com/nitroattest/nitroattest/attestation"
)

// Fetch gets a document for a nonce, in whatever way: nothing is believed of it
// that the document does not prove.
type Fetch func(ctx context.Context, nonce []byte) (evidence []byte, err error)

// Fetcher returns a Fetch that asks the server at the address, over a
// connection of its own.
func (d *Dialer) Fetcher(network, address string) Fetch {
	return func(ctx context.Context, nonce []byte) ([]byte, error) {
		ctx, cancel := context.WithTimeout(ctx, d.config.Timeout)
		defer cancel()
		conn, err := d.handshake(ctx, network, address)
		if err != nil {
			return nil, err
		}
		defer conn.NetConn().Close()
		return d.exchange(ctx, conn, address, nonce)
	}
}

// Hook verifies enclaves in the handshakes of a [tls.Config], for protocols
// whose clients want to make the connection themselves: HTTP/2, gRPC,
// databases. At every handshake it fetches a document for a new nonce, and the
// handshake fails unless the document names the certificate of the server.
//
// A Hook does not close connections when the document means nothing any more.
// Result tells when that is so; a [Dialer] sees to it.
type Hook struct {
	dialer *Dialer
	fetch  Fetch

	mu      sync.Mutex
	results map[[sha256.Size]byte]*attestation.Result // by certificate
}

// NewHook returns a hook that gets documents by fetch, which has to lead to the
// enclave that the handshakes are with, as that of [Dialer.Fetcher] does.
// Behind a load balancer it may not, and handshakes fail.
//
// crypto/tls lets a client look at the certificate before the server has proved
// that it has its key. So a hook takes only the bindings of this package, which
// compare the certificate with the document and nothing else: a [Check] of your
// own would see a connection that proves nothing yet.
func (d *Dialer) NewHook(fetch Fetch) (*Hook, error) {
	switch {
	case fetch == nil:
		return nil, errors.New("attestedtls: NewHook: fetch is nil")
	case d.config.Binding.binding().names == nil:
		return nil, errors.New("attestedtls: NewHook: Config.Binding has a Check of your own, which would run before the handshake has proved that the server has the key")
	case d.config.InCertificate != nil:
		return nil, errors.New("attestedtls: NewHook: Config.InCertificate is for a Dialer; read the certificate in fetch")
	}
	return &Hook{dialer: d, fetch: fetch, results: make(map[[sha256.Size]byte]*attestation.Result)}, nil
}

// TLSConfig returns a new configuration with the hook: Config.TLS or its
// default, without the restriction to HTTP/1.1. NextProtos and ServerName can
// be set in it. VerifyConnection is the hook and must stay, ClientSessionCache
// must not be set.
func (h *Hook) TLSConfig() *tls.Config {
	config := h.dialer.config.TLS.Clone()
	config.NextProtos = nil
	more := config.VerifyConnection
	config.VerifyConnection = func(state tls.ConnectionState) error {
		if more != nil {
			if err := more(state); err != nil {
				return err
			}
		}
		return h.verify(state)
	}
	return config
}

func (h *Hook) verify(state tls.ConnectionState) error {
	if state.DidResume {
		return errorf(Handshake, "found a resumed session, which does not prove that the server has the attested key")
	}
	ctx, cancel := context.WithTimeout(context.Background(), h.dialer.config.Timeout)
	defer cancel()
	nonce := h.dialer.nonce()
	evidence, err := h.fetch(ctx, nonce)
	if err != nil {
		return &Error{Reason: NoDocument, Detail: "fetching it for a handshake", Err: err}
	}
	result, err := h.dialer.appraise(state, evidence, nonce)
	if err != nil {
		return err
	}
	h.store(state, result)
	return nil
}

func (h *Hook) store(state tls.ConnectionState, result *attestation.Result) {
	h.mu.Lock()
	defer h.mu.Unlock()
	now := h.dialer.config.Now()
	maps.DeleteFunc(h.results, func(_ [sha256.Size]byte, r *attestation.Result) bool { return checkFresh(r, now) != nil })
	h.results[sha256.Sum256(state.PeerCertificates[0].Raw)] = result
}

// Result returns what is known about the enclave that a connection made with
// the hook ends in: the newest result for its certificate. It is false for
// certificates that the hook has attested nothing about, for the state of a
// handshake that is not over, and when the document
// means nothing any more. It does not tell whether a connection was made with
// the hook; one to the same certificate that was not gets the same answer.
func (h *Hook) Result(state tls.ConnectionState) (*attestation.Result, bool) {
	if len(state.PeerCertificates) == 0 || !state.HandshakeComplete {
		return nil, false
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	result := h.results[sha256.Sum256(state.PeerCertificates[0].Raw)]
	if result == nil || checkFresh(result, h.dialer.config.Now()) != nil {
		return nil, false
	}
	return result, true
}
