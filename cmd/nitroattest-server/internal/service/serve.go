package service

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/nitroattest/nitroattest/cmd/nitroattest-server/internal/connections"
)

// Limits of a connection. A request is small and takes milliseconds; who sends
// slower than this is not in earnest.
const (
	handshakeTimeout  = 5 * time.Second
	readHeaderTimeout = 5 * time.Second
	readTimeout       = 10 * time.Second
	writeTimeout      = 20 * time.Second
	idleTimeout       = time.Minute
	maxHeader         = 16 << 10
)

// onlyHTTP1 is what the memory in [scratch] relies on: HTTP/2 may go on writing
// an answer when its handler has returned.
func onlyHTTP1() *http.Protocols {
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	return protocols
}

// Running says how Serve runs. Both are required.
type Running struct {
	PolicyInterval  time.Duration // between two looks at the files
	ShutdownTimeout time.Duration // for the requests that are being answered when ctx ends
}

// Serve answers on a listener until ctx ends, and then finishes the requests
// that it has begun. It closes the listener.
func (s *Service) Serve(ctx context.Context, listener *connections.Listener, running Running) error {
	server := &http.Server{
		Protocols:         onlyHTTP1(),
		Handler:           s,
		ReadHeaderTimeout: readHeaderTimeout,
		ReadTimeout:       readTimeout,
		WriteTimeout:      writeTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeader,
		ErrorLog:          slog.NewLogLogger(s.config.Logger.Handler(), slog.LevelWarn),
		ConnState:         listener.ConnState,
		ConnContext:       listener.ConnContext,
	}
	s.listeners.add("main", listener)
	polling, stop := context.WithCancel(ctx)
	defer stop()
	go s.poll(polling, running.PolicyInterval)

	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	s.config.Logger.Info("serving", slog.String("address", listener.Addr().String()), slog.String("signatures", s.config.Signatures))
	select {
	case err := <-served:
		return fmt.Errorf("serving: %w", err)
	case <-ctx.Done():
	}
	s.draining.Store(true)
	defer s.config.Files.Keep()
	s.config.Logger.Info("shutting down")
	shutdown, cancel := context.WithTimeout(context.WithoutCancel(ctx), running.ShutdownTimeout)
	defer cancel()
	err := server.Shutdown(shutdown)
	if errors.Is(err, context.DeadlineExceeded) {
		server.Close()
		return fmt.Errorf("shutting down: some requests were not finished after %s", running.ShutdownTimeout)
	}
	return err
}

func (s *Service) poll(ctx context.Context, every time.Duration) {
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			s.config.Policies.Reload()
			s.config.Files.Reload()
			s.config.Files.Keep()
		}
	}
}
