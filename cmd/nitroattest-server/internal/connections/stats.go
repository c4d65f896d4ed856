package connections

import (
	"crypto/tls"
	"errors"
	"io"
	"log/slog"
	"net"
	"sync"
	"time"
)

// Stats is what a [Listener] has done so far and holds at the moment.
type Stats struct {
	States           map[string]int // connections by what they do
	Clients          int
	Refused, GivenUp map[string]int // connections by the bound that was met: client, total, handshakes
	Handshakes       map[string]int // done and failed
}

type counts struct {
	refused, givenUp byBound
	handshakes       struct{ done, failed int }
}

type byBound map[string]int

func newCounts() counts { return counts{refused: byBound{}, givenUp: byBound{}} }

// Stats has every label from the beginning.
func (l *Listener) Stats() Stats {
	l.mu.Lock()
	defer l.mu.Unlock()
	s := Stats{
		States:     map[string]int{},
		Clients:    len(l.table.clients),
		Refused:    map[string]int{},
		GivenUp:    map[string]int{},
		Handshakes: map[string]int{"done": l.count.handshakes.done, "failed": l.count.handshakes.failed},
	}
	for i, n := range l.table.in {
		s.States[stateNames[i]] = n
	}
	for _, bound := range []string{"client", "total"} {
		s.Refused[bound] = l.count.refused[bound]
	}
	for _, bound := range []string{"client", "total", "handshakes"} {
		s.GivenUp[bound] = l.count.givenUp[bound]
	}
	return s
}

// failures writes one line a second about handshakes that failed, however many
// there are: anybody can make them fail.
type failures struct {
	logger *slog.Logger
	mu     sync.Mutex
	last   time.Time
	silent int
}

func (f *failures) report(client net.Addr, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if time.Since(f.last) < time.Second {
		f.silent++
		return
	}
	f.logger.Warn("TLS handshake failed", slog.String("client", client.String()), slog.String("error", err.Error()),
		slog.Int("others_since_the_last_line", f.silent))
	f.last, f.silent = time.Now(), 0
}

// answerHTTP tells a client that does not speak TLS what is wrong, if it speaks
// HTTP.
func answerHTTP(err error) {
	var record tls.RecordHeaderError
	if !errors.As(err, &record) || record.Conn == nil {
		return
	}
	switch string(record.RecordHeader[:]) {
	case "GET /", "HEAD ", "POST ", "PUT /", "OPTIO":
		_, _ = io.WriteString(record.Conn, "HTTP/1.0 400 Bad Request\r\nConnection: close\r\n\r\nThis server speaks HTTPS.\n")
	}
}
