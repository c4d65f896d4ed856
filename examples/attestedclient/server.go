package main

import (
	"crypto/tls"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"sync"

	"github.com/nitroattest/nitroattest/attestation/attestedtls"
)

// server is an HTTPS server that remembers the bodies it was sent.
type server struct {
	http.Server
	url   string
	mu    sync.Mutex
	heard string
}

// Heard returns the bodies of all requests.
func (s *server) Heard() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.heard
}

// startEnclave starts what would run in the enclave: the service, with its
// documents beside it.
func startEnclave(attester attestedtls.Attester) (*server, error) {
	identity, err := attestedtls.NewIdentity(attestedtls.IdentityConfig{Attester: attester})
	if err != nil {
		return nil, err
	}
	s := new(server)
	identity.Configure(&s.Server)
	return s.start(identity)
}

// startImpostor starts a man in the middle. For TLS he has a key of his own;
// for documents he asks the enclave.
func startImpostor(enclave string) (*server, error) {
	target, err := url.Parse(enclave)
	if err != nil {
		return nil, err
	}
	certificate, err := attestedtls.NewCertificate(attestedtls.CertificateConfig{})
	if err != nil {
		return nil, err
	}
	s := new(server)
	s.TLSConfig = &tls.Config{Certificates: []tls.Certificate{*certificate}}
	return s.start(&httputil.ReverseProxy{
		Rewrite:   func(r *httputil.ProxyRequest) { r.SetURL(target) },
		Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}, // he does not care
	})
}

func (s *server) start(documents http.Handler) (*server, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	s.url = "https://" + listener.Addr().String()
	s.ErrorLog = log.New(io.Discard, "", 0)
	mux := http.NewServeMux()
	mux.Handle(attestedtls.DefaultPath, documents)
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		s.mu.Lock()
		defer s.mu.Unlock()
		s.heard += string(body)
		fmt.Fprintf(w, "got %s", body)
	})
	s.Handler = mux
	go s.ServeTLS(listener, "", "")
	return s, nil
}
