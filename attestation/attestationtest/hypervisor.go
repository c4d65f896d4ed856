package attestationtest

import (
	"crypto/x509"
	"fmt"
	"sync"
	"time"

	"github.com/nitroattest/nitroattest/certs"
)

// Hypervisor is a simulated Nitro hypervisor with a certificate authority of
// its own. It has one enclave to begin with; [Hypervisor.NewZone],
// [Zone.NewInstance] and [Instance.NewEnclave] make more. It is safe for
// concurrent use.
type Hypervisor struct {
	secret secret
	clock  func() time.Time
	root   *Certificate

	mu      sync.Mutex
	regions map[string]*authority
	zones   int
	enclave *Enclave
}

// defaults are what options start from.
var defaults = config{region: "us-east-1"}

// NewHypervisor returns a hypervisor with one zone, one instance and one
// enclave. Options for those set up these first ones. Without options, keys
// and names are random and the clock is time.Now.
func NewHypervisor(options ...Option) *Hypervisor {
	c := collect(defaults, options)
	h := &Hypervisor{clock: c.clock, regions: map[string]*authority{}}
	if c.seed != nil {
		h.secret = seededSecret(c.seed)
	} else {
		h.secret = randomSecret()
	}
	if h.clock == nil {
		h.clock = time.Now
	}
	h.root = newRoot(h.secret.child("root"))
	h.enclave = h.newZone(c).newInstance(c).newEnclave(c)
	return h
}

// Root returns the root certificate, the one to trust in a test.
func (h *Hypervisor) Root() *x509.Certificate {
	root, _ := x509.ParseCertificate(h.root.DER()) // we wrote it, and the tests parse it
	return root
}

// Roots returns the root as a verifier takes it, in attestation.Config.Roots.
func (h *Hypervisor) Roots() *certs.Roots {
	roots, _ := certs.NewRoots(h.Root())
	return roots
}

// Enclave returns the first enclave.
func (h *Hypervisor) Enclave() *Enclave { return h.enclave }

// Attest returns a document of the first enclave, see [Enclave.Attest].
func (h *Hypervisor) Attest(request Request) []byte { return h.enclave.Attest(request) }

// Blueprint returns the first enclave's next document before it is signed, see
// [Enclave.Blueprint].
func (h *Hypervisor) Blueprint(request Request) *Blueprint { return h.enclave.Blueprint(request) }

// NewZone returns another availability zone, with a zonal certificate of its
// own. Zones of one region share their regional certificate.
func (h *Hypervisor) NewZone(options ...ZoneOption) *Zone {
	return h.newZone(collect(defaults, options))
}

func (h *Hypervisor) newZone(c config) *Zone {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.zones++
	z := &Zone{hypervisor: h, region: c.region, secret: h.secret.child(fmt.Sprint("zone ", h.zones))}
	z.authority = authority{
		secret:   z.secret.child("authority"),
		rotation: zonalRotation,
		parent:   h.regionalAuthority(c.region).at,
		issue: func(s secret, parent *Certificate, notBefore time.Time) *Certificate {
			return newZonal(s, c.region, parent, notBefore)
		},
	}
	return z
}

func (h *Hypervisor) regionalAuthority(region string) *authority {
	if a, ok := h.regions[region]; ok {
		return a
	}
	a := &authority{
		secret:   h.secret.child("region " + region),
		rotation: regionalRotation,
		parent:   func(time.Time) service { return service{certificate: h.root} },
		issue: func(s secret, parent *Certificate, notBefore time.Time) *Certificate {
			return newRegional(s, region, parent, notBefore)
		},
	}
	h.regions[region] = a
	return a
}
