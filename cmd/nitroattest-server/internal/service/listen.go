package service

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"os"
	"strings"
	"syscall"

	"github.com/nitroattest/nitroattest/cmd/nitroattest-server/internal/connections"
	"github.com/nitroattest/nitroattest/internal/input"
)

// Defaults of [Listening.Connections].
const (
	DefaultConnections = 1024
	DefaultHandshakes  = 256
)

// Listening says where to listen and who may connect.
type Listening struct {
	Address string // host:port
	// TLSCert and TLSKey are PEM files. Empty: no TLS.
	TLSCert, TLSKey string
	// ClientCA is a PEM file with the authorities of client certificates. Then
	// every client needs one.
	ClientCA string
	// ClientNames are what client certificates have to have one of, if there are
	// any: DNS names, URIs such as SPIFFE IDs, e-mail addresses. A URI that ends in
	// "/*" stands for all that begin so.
	ClientNames []string
	// ClientCRL is a file with revocation lists, PEM or DER. Then every certificate
	// of a client's chain but the authority needs a current list that does not have
	// it.
	ClientCRL string
	// InsecureNoTLS allows an address beyond loopback without TLS: whoever is on
	// the network reads the exchanges and alters the verdicts.
	InsecureNoTLS bool
	// Admin are addresses for operators, host:port or unix:PATH. No client needs a
	// certificate there. Beyond loopback they have TLS where Address has it.
	Admin []string
	// Connections bound those of Address. Zero fields stand for the defaults.
	Connections connections.Limits
	// Files reloads the files. Nil: they are read once.
	Files *Files
}

// ErrNoTLS is what Listen says about an address beyond loopback without TLS.
var ErrNoTLS = errors.New("found an address beyond loopback, expected a certificate for TLS")

// Listeners are the listeners of a service: the one for callers and those for
// operators.
type Listeners struct {
	*connections.Listener
	Admin []*connections.Listener
}

// Close closes all of them.
func (l *Listeners) Close() error {
	errs := []error{l.Listener.Close()}
	for _, admin := range l.Admin {
		errs = append(errs, admin.Close())
	}
	return errors.Join(errs...)
}

// Listen opens the listeners of a service. It refuses to be reached from other
// machines without TLS.
func Listen(l Listening) (*Listeners, error) {
	limits, err := l.limits()
	if err != nil {
		return nil, err
	}
	files := l.Files
	if files == nil {
		files = NewFiles(slog.New(slog.DiscardHandler)) // nobody reloads them
	}
	callers, operators, err := l.tls(files)
	if err != nil {
		return nil, err
	}
	open := func(listener net.Listener, config *tls.Config, limits connections.Limits) *connections.Listener {
		return connections.New(listener, connections.Config{
			Limits:           limits,
			TLS:              config,
			HandshakeTimeout: handshakeTimeout,
			Generation:       files.tlsChanges.Load,
			Logger:           files.logger,
		})
	}
	listener, _, err := l.listen(l.Address, callers)
	if err != nil {
		return nil, err
	}
	all := &Listeners{Listener: open(listener, callers, limits)}
	for _, address := range l.Admin {
		listener, local, err := l.listenAdmin(address, operators)
		if err != nil {
			all.Close()
			return nil, &AdminError{address, err}
		}
		config := operators
		if local {
			config = nil
		}
		all.Admin = append(all.Admin, open(listener, config, adminLimits))
	}
	return all, nil
}

// adminLimits are enough for a few who ask now and then.
var adminLimits = connections.Limits{Total: 64, PerClient: 64, Handshakes: 16}

// AdminError is what Listen says about an address for operators.
type AdminError struct {
	Address string
	Err     error
}

func (e *AdminError) Error() string { return e.Address + ": " + e.Err.Error() }

// Unwrap returns the cause.
func (e *AdminError) Unwrap() error { return e.Err }

// listen reports whether only this machine reaches the address.
func (l Listening) listen(address string, config *tls.Config) (listener net.Listener, local bool, err error) {
	listener, err = net.Listen("tcp", address)
	if err != nil {
		return nil, false, err
	}
	// The listener knows what a name has become. Nothing has been answered yet.
	tcp, ok := listener.Addr().(*net.TCPAddr)
	local = ok && tcp.IP.IsLoopback()
	if config == nil && !l.InsecureNoTLS && !local {
		listener.Close()
		return nil, false, ErrNoTLS
	}
	return listener, local, nil
}

func (l Listening) listenAdmin(address string, config *tls.Config) (net.Listener, bool, error) {
	path, isUnix := strings.CutPrefix(address, "unix:")
	if !isUnix {
		return l.listen(address, config)
	}
	if err := removeStale(path); err != nil {
		return nil, false, err
	}
	listener, err := net.Listen("unix", path)
	if err != nil {
		return nil, false, err
	}
	// Operators are the owner and, as the umask says, the group; nobody else is.
	info, err := os.Stat(path)
	if err == nil {
		err = os.Chmod(path, info.Mode().Perm()&^0o007)
	}
	if err != nil {
		listener.Close()
		return nil, false, input.WithoutPath(err)
	}
	return listener, true, nil
}

// removeStale removes a socket that a process has left which was killed.
func removeStale(path string) error {
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return input.WithoutPath(err)
	}
	if info.Mode().Type() != fs.ModeSocket {
		return errors.New("found a file that is no socket")
	}
	conn, err := net.Dial("unix", path)
	if err == nil {
		conn.Close()
		return errors.New("found a process that listens there already")
	}
	if !errors.Is(err, syscall.ECONNREFUSED) {
		// Somebody else may listen there, or one who is busy.
		return fmt.Errorf("found a socket that somebody may listen on: %w", err)
	}
	return os.Remove(path)
}

// limits puts the defaults in. One client may have a quarter of all connections.
func (l Listening) limits() (connections.Limits, error) {
	limits := l.Connections
	if limits.Total == 0 {
		limits.Total = DefaultConnections
	}
	if limits.PerClient == 0 {
		limits.PerClient = max(limits.Total/4, 1)
	}
	if limits.Handshakes == 0 {
		limits.Handshakes = DefaultHandshakes
	}
	if limits.Total < 0 || limits.PerClient < 0 || limits.Handshakes < 0 {
		return limits, errors.New("found a negative number of connections")
	}
	return limits, nil
}
