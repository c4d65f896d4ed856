package service

import (
	"context"
	"crypto/rand"
	"errors"
	"log/slog"
	"net/http"
	"strconv"
	"time"

	"github.com/nitroattest/nitroattest/cmd/nitroattest-server/internal/connections"
)

// entry collects what the log and the metrics say of a request.
type entry struct {
	id    string
	body  body
	attrs []slog.Attr
}

const usualAttrs = 6 // of a verdict

func (e *entry) add(attrs ...slog.Attr) { e.attrs = append(e.attrs, attrs...) }

// handler answers a request, or returns an error for which nothing has been
// written yet.
type handler func(http.ResponseWriter, *http.Request, *entry) error

// observe puts around a handler what all of them need: an ID, headers, the
// answer to errors, a line in the log and counters.
func (s *Service) observe(route string, next handler) http.Handler {
	count := s.metrics.ofRoute(route)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		start := time.Now()
		e := &entry{id: rand.Text(), attrs: make([]slog.Attr, 0, usualAttrs)}
		recorder := &statusRecorder{ResponseWriter: w, status: http.StatusOK}
		header := w.Header()
		header.Set("X-Request-Id", e.id)
		header.Set("X-Content-Type-Options", "nosniff")
		header.Set("Cache-Control", "no-store")
		if len(r.TransferEncoding) > 0 {
			// It may have had a Content-Length as well, which net/http drops, and a
			// proxy that goes by that sees other requests after it than this server
			// does (RFC 9112, section 6.1). Nothing comes after it.
			header.Set("Connection", "close")
		}
		if s.draining.Load() || s.config.Files.outdated(connections.FromContext(r.Context())) || clientEnded(r, start) {
			header.Set("Connection", "close")
		}

		if r.ContentLength != 0 {
			e.body.ReadCloser, r.Body = r.Body, &e.body
			if r.Method != http.MethodPost {
				e.body.leave(recorder) // nobody will read it
			}
		}

		level := slog.LevelInfo
		if err := next(recorder, r, e); err != nil {
			p := asProblem(err)
			e.body.leave(recorder)
			p.write(recorder, e.id)
			e.add(slog.String("problem", p.kind.name))
			if p.err != nil {
				e.add(slog.String("error", p.err.Error()))
			}
			if p.kind.status >= http.StatusInternalServerError {
				level = slog.LevelError
			}
		}

		e.add(about(r)...)
		took := time.Since(start)
		count(r.Method, recorder.status, took)
		s.log(r.Context(), s.levelOf(route, level), e,
			slog.String("request_id", e.id),
			slog.String("method", knownMethod(r.Method)),
			slog.String("route", route),
			slog.Int("status", recorder.status),
			slog.Int64("microseconds", took.Microseconds()))
	})
}

// log writes the line of a request. It does without the place in the source,
// which is the same for all of them and which Logger.LogAttrs would look up.
func (s *Service) log(ctx context.Context, level slog.Level, e *entry, attrs ...slog.Attr) {
	handler := s.config.Logger.Handler()
	if !handler.Enabled(ctx, level) {
		return
	}
	record := slog.NewRecord(time.Now(), level, "request", 0)
	record.AddAttrs(attrs...)
	record.AddAttrs(e.attrs...)
	_ = handler.Handle(ctx, record) // as Logger does: there is nowhere to report it
}

// levelOf keeps the questions of monitors out of the log unless they fail.
func (s *Service) levelOf(route string, level slog.Level) slog.Level {
	switch route {
	case "/healthz", "/readyz", "/metrics", profilesPath:
		if level == slog.LevelInfo {
			return slog.LevelDebug
		}
	}
	return level
}

func asProblem(err error) *problem {
	var p *problem
	if errors.As(err, &p) {
		return p
	}
	return &problem{kind: internalError, detail: "the log has more under the request's ID", err: err}
}

// knownMethod keeps what a client made up out of the log and the metrics.
func knownMethod(method string) string {
	switch method {
	case http.MethodGet, http.MethodHead, http.MethodPost:
		return method
	}
	return "other"
}

type statusRecorder struct {
	http.ResponseWriter
	status int
}

func (r *statusRecorder) WriteHeader(status int) {
	r.status = status
	r.ResponseWriter.WriteHeader(status)
}

// Unwrap is for http.MaxBytesReader and http.ResponseController.
func (r *statusRecorder) Unwrap() http.ResponseWriter { return r.ResponseWriter }

func statusText(status int) string { return strconv.Itoa(status) }
