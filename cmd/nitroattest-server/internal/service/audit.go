package service

import (
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/nitroattest/nitroattest/internal/input"
)

// Audit is a file with one line of JSON for each verdict. It is safe for
// concurrent use.
//
// A verdict that cannot be written there is not given: the answer is 503.
type Audit struct {
	path string
	mu   sync.Mutex
	file io.WriteCloser
	torn bool // the last line has a beginning and no end
}

// OpenAudit appends to a file, or makes one that only its owner reads.
func OpenAudit(path string) (*Audit, error) {
	a := &Audit{path: path}
	return a, a.Reopen()
}

// Reopen goes on in a new file when the old one has been moved away. If there can
// be none, the old one stays.
func (a *Audit) Reopen() error {
	file, err := os.OpenFile(a.path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("%s: %w", a.path, input.WithoutPath(err))
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.file != nil {
		a.file.Close()
	}
	info, err := file.Stat()
	a.torn = a.torn && err == nil && info.Size() > 0 // it may be the old file still
	a.file = file
	return nil
}

// Close closes the file.
func (a *Audit) Close() error {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.file.Close()
}

// auditLine says who asked for what and was told what. It has no challenge,
// context, document, user data or key.
type auditLine struct {
	Time         time.Time       `json:"time"`
	RequestID    string          `json:"request_id"`
	Traceparent  string          `json:"traceparent,omitempty"`
	Client       string          `json:"client"`
	Subject      string          `json:"client_subject,omitempty"`
	SPIFFEID     string          `json:"client_spiffe_id,omitempty"`
	Policy       string          `json:"policy"`
	PolicySHA256 string          `json:"policy_sha256"`
	SignedPolicy json.RawMessage `json:"signed_policy,omitempty"`
	Accepted     bool            `json:"accepted"`
	Reason       string          `json:"reason"`
	Challenge    string          `json:"challenge"`
	Image        string          `json:"image_name,omitempty"`
	ModuleID     string          `json:"module_id,omitempty"`
}

func (a *Audit) write(line auditLine) error {
	data, err := json.Marshal(line)
	if err != nil {
		return err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	data = append(data, '\n')
	if a.torn {
		// Whoever reads the file finds a broken line and not a part of this one. At
		// once there would have been no room for its end either.
		data = append([]byte{'\n'}, data...)
	}
	n, err := a.file.Write(data)
	if n > 0 {
		a.torn = err != nil
	}
	return err
}

// audit writes the line of a verdict before anybody is told of it.
func (s *Service) audit(r *http.Request, e *entry, x *exchange, v *verdict) error {
	if s.config.Audit == nil {
		return nil
	}
	line := auditLine{
		Time:         time.Now().UTC(),
		RequestID:    e.id,
		Traceparent:  traceparent(r.Header),
		Client:       r.RemoteAddr,
		Policy:       x.policy.name,
		PolicySHA256: x.policy.sha256,
		SignedPolicy: x.policy.voucherJSON,
		Accepted:     v.accepted(),
		Reason:       v.reason,
		Challenge:    "none",
	}
	line.Subject, line.SPIFFEID = clientOf(r)
	if x.nonce != nil {
		line.Challenge = v.challengeState()
	}
	if v.report.Image != nil {
		line.Image = v.report.Image.Name
	}
	if v.report.Document != nil {
		line.ModuleID = v.report.Document.ModuleID
	}
	if err := s.config.Audit.write(line); err != nil {
		s.metrics.auditErrors.Inc()
		return &problem{kind: auditUnavailable, detail: "the verdict could not be recorded and is not given; ask for another challenge", err: err}
	}
	return nil
}

func (s *Service) reopenAudit() {
	if s.config.Audit == nil {
		return
	}
	if err := s.config.Audit.Reopen(); err != nil {
		s.config.Logger.Error("audit log cannot be opened again, going on in the old file", slog.String("error", err.Error()))
	}
}

// about is what the log says of who sent a request.
func about(r *http.Request) []slog.Attr {
	attrs := []slog.Attr{slog.String("client", r.RemoteAddr)}
	subject, id := clientOf(r)
	for _, each := range []struct{ name, value string }{{"client_subject", subject}, {"client_spiffe_id", id}, {"traceparent", traceparent(r.Header)}} {
		if each.value != "" {
			attrs = append(attrs, slog.String(each.name, each.value))
		}
	}
	return attrs
}

// clientOf is what the certificate of a client says, if it needed one.
func clientOf(r *http.Request) (subject, spiffeID string) {
	if r.TLS == nil || len(r.TLS.VerifiedChains) == 0 {
		return "", ""
	}
	cert := r.TLS.VerifiedChains[0][0]
	for _, uri := range cert.URIs {
		if uri.Scheme == "spiffe" {
			spiffeID = uri.String()
			break
		}
	}
	return cert.Subject.String(), spiffeID
}

// traceparent returns the header of W3C Trace Context, version 00, or "" if it is
// not exactly one of that form: it is what the client says.
func traceparent(header http.Header) string {
	values := header.Values("Traceparent")
	if len(values) != 1 || len(values[0]) != len("00-0123456789abcdef0123456789abcdef-0123456789abcdef-01") {
		return ""
	}
	parts := strings.Split(values[0], "-")
	if len(parts) != 4 || parts[0] != "00" || len(parts[1]) != 32 || len(parts[2]) != 16 {
		return ""
	}
	for _, part := range parts {
		if strings.Trim(part, "0123456789abcdef") != "" {
			return ""
		}
	}
	return values[0]
}
