package crlfetch

import (
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/nitroattest/nitroattest/certs"
)

// Defaults of Config.
const (
	DefaultMaxSize      = 1 << 20 // 1 MiB, some 25000 entries
	DefaultTimeout      = 10 * time.Second
	DefaultMinInterval  = 15 * time.Minute
	DefaultRefreshAfter = 6 * time.Hour
)

// Config is what [New] makes an [Updater] of. Revocations and Client are
// required.
type Config struct {
	// Revocations gets the lists: those that the service's verifier has in
	// attestation.Config.Revocations.
	Revocations *certs.Revocations
	// Roots are those of the service's verifier. Nil: certs.AWSNitroRootG1().
	Roots *certs.Roots
	// Client makes the requests. Proxies and dialling are for its Transport to
	// decide; its CheckRedirect and Jar are not used.
	Client *http.Client
	// Hosts is the allow list. Nil: AWSHosts(). A host is compared as it is;
	// <region> in it stands for the name of an AWS region, the same one
	// wherever it occurs.
	Hosts []string
	// MaxSize bounds a list, in bytes. Parsing one takes some 30 times its
	// size in memory, before its signature can be verified. Zero:
	// DefaultMaxSize. Revocations have a bound of their own, of the same size
	// by default: certs.RevocationConfig.MaxListSize.
	MaxSize int64
	// Timeout bounds the fetching of a list. Zero: DefaultTimeout.
	Timeout time.Duration
	// MinInterval is how long a list that was fetched, and is current, is not
	// fetched again by Update. It also bounds the waiting time after failures,
	// which begins with ten seconds and doubles. Zero: DefaultMinInterval.
	MinInterval time.Duration
	// RefreshAfter is the age at which Refresh fetches a list again; less when
	// two thirds of its time is over before. A random quarter less, so that not
	// all services ask at the same time. Zero: DefaultRefreshAfter.
	RefreshAfter time.Duration
	// OnError is told what Refresh returns to Run. Nil: nothing is.
	OnError func(error)
}

func (c Config) withDefaults() (Config, error) {
	if c.Client == nil {
		return c, errors.New("crlfetch: Config.Client: nil; there is no default")
	}
	if c.Roots == nil {
		c.Roots = certs.AWSNitroRootG1()
	}
	if c.Hosts == nil {
		c.Hosts = AWSHosts()
	}
	if c.MaxSize < 0 {
		return c, fmt.Errorf("crlfetch: Config.MaxSize: found %d, expected 0 or more", c.MaxSize)
	}
	if c.MaxSize == 0 {
		c.MaxSize = DefaultMaxSize
	}
	for _, field := range []struct {
		name  string
		value *time.Duration
		zero  time.Duration
	}{
		{"Timeout", &c.Timeout, DefaultTimeout},
		{"MinInterval", &c.MinInterval, DefaultMinInterval},
		{"RefreshAfter", &c.RefreshAfter, DefaultRefreshAfter},
	} {
		if *field.value < 0 {
			return c, fmt.Errorf("crlfetch: Config.%s: found %s, expected 0 or more", field.name, *field.value)
		}
		if *field.value == 0 {
			*field.value = field.zero
		}
	}
	return c, nil
}
