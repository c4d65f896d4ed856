package service

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
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

	// profileTimeout is enough for a profile of half a minute, which is what
	// net/http/pprof takes if nobody says otherwise.
	profileTimeout = time.Minute
)

// onlyHTTP1 is what the memory in [scratch] relies on: HTTP/2 may go on writing
// an answer when its handler has returned.
func onlyHTTP1() *http.Protocols {
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	return protocols
}

// Running says how Serve runs.
type Running struct {
	PolicyInterval time.Duration // between two looks at the files; required
	// ShutdownDelay is how long the service goes on accepting connections when ctx
	// has ended and /readyz says so, for balancers to notice.
	ShutdownDelay time.Duration
	// ShutdownTimeout is for the requests that are being answered after that;
	// required.
	ShutdownTimeout time.Duration
	// Reload makes it look at the files at once. Nil: never.
	Reload <-chan struct{}
	// Abort ends the service at once when it is closed. Nil: never.
	Abort <-chan struct{}
	// Notify is told what the service does. Nil: nobody is.
	Notify func(State)
}

// State is what a service does.
type State int

// The states.
const (
	Ready State = iota // it serves
	Reloading
	Stopping
)

// ErrCut is what Serve returns when it ended with requests that it had begun.
var ErrCut = errors.New("some requests were not finished")

// Serve answers on listeners until ctx ends, and then finishes the requests that
// it has begun. It closes the listeners.
//
// When ctx has ended, every answer closes its connection, and so no request is
// lost that a client sends within ShutdownDelay.
func (s *Service) Serve(ctx context.Context, listeners *Listeners, running Running) error {
	if running.Notify == nil {
		running.Notify = func(State) {}
	}
	polling, stop := context.WithCancel(ctx)
	var poller sync.WaitGroup
	defer poller.Wait()
	defer stop()

	served := make(chan error, 1+len(listeners.Admin))
	serve := func(name string, handler http.Handler, listener *connections.Listener) *http.Server {
		server := s.server(handler, listener)
		s.listeners.add(name, listener)
		go func() { served <- server.Serve(listener) }()
		return server
	}
	var admin []*http.Server
	for i, listener := range listeners.Admin {
		admin = append(admin, serve(fmt.Sprintf("admin-%d", i), s.admin, listener))
	}
	server := serve("main", s, listeners.Listener)
	defer func() {
		for _, each := range append(admin, server) {
			each.Close()
		}
	}()
	s.config.Logger.Info("serving", slog.String("address", addressOf(listeners.Listener)), slog.Any("admin", listeners.addresses()),
		slog.String("signatures", s.config.Signatures))
	running.Notify(Ready)
	poller.Go(func() { s.poll(polling, running) })
	select {
	case err := <-served:
		return fmt.Errorf("serving: %w", err)
	case <-running.Abort:
	case <-ctx.Done():
	}
	s.draining.Store(true)
	running.Notify(Stopping)
	defer s.config.Files.Keep()
	s.config.Logger.Info("shutting down", slog.Duration("delay", running.ShutdownDelay))
	select {
	case <-time.After(running.ShutdownDelay):
	case <-running.Abort:
	}
	return drain(context.WithoutCancel(ctx), server, running)
}

// drain finishes what has begun, for as long as it may.
func drain(ctx context.Context, server *http.Server, running Running) error {
	ctx, cancel := context.WithTimeout(ctx, running.ShutdownTimeout)
	defer cancel()
	aborted := fmt.Errorf("shutting down: %w, as a second signal wanted it", ErrCut)
	select {
	case <-running.Abort:
		return aborted
	default:
	}
	done := make(chan error, 1)
	go func() { done <- server.Shutdown(ctx) }()
	select {
	case err := <-done:
		if errors.Is(err, context.DeadlineExceeded) {
			return fmt.Errorf("shutting down: %w after %s", ErrCut, running.ShutdownTimeout)
		}
		return err
	case <-running.Abort:
		return aborted
	}
}

func (s *Service) server(handler http.Handler, listener *connections.Listener) *http.Server {
	server := &http.Server{
		Protocols:         onlyHTTP1(),
		Handler:           handler,
		ReadHeaderTimeout: readHeaderTimeout,
		ReadTimeout:       readTimeout,
		WriteTimeout:      writeTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeader,
		ErrorLog:          slog.NewLogLogger(s.config.Logger.Handler(), slog.LevelWarn),
		ConnState:         listener.ConnState,
		ConnContext:       listener.ConnContext,
	}
	// Routers cannot be compared: there are functions in them.
	if r, ok := handler.(router); ok && r.mux == s.admin.mux && s.config.InsecureProfiles {
		server.WriteTimeout = profileTimeout
	}
	return server
}

func (s *Service) poll(ctx context.Context, running Running) {
	next := time.NewTimer(running.PolicyInterval)
	defer next.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-next.C:
			start := time.Now()
			s.reload()
			next.Reset(max(running.PolicyInterval, watchShare*time.Since(start)))
		case <-running.Reload:
			running.Notify(Reloading)
			s.reload()
			s.reopenAudit()
			s.config.Logger.Info("files read again")
			running.Notify(Ready)
		}
	}
}

// watchShare bounds what it costs to look at many files: a hundredth of a core.
const watchShare = 100

func (s *Service) reload() {
	s.config.Policies.Reload()
	s.config.Files.Reload()
	s.config.Files.Keep()
}

func (l *Listeners) addresses() []string {
	addresses := make([]string, len(l.Admin))
	for i, admin := range l.Admin {
		addresses[i] = addressOf(admin)
	}
	return addresses
}

// addressOf is the address as a flag has it.
func addressOf(l net.Listener) string {
	if l.Addr().Network() == "unix" {
		return "unix:" + l.Addr().String()
	}
	return l.Addr().String()
}
