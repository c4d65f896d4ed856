package attestationtest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha512"
	"crypto/x509"
	"fmt"
	"math/big"
	"sync"
	"time"

	"github.com/nitroattest/nitroattest/certs"
	"github.com/nitroattest/nitroattest/pcr"
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

// Request is what a document is asked to hold. The zero value is a good
// request: a document without optional fields, now.
type Request struct {
	// PCRs replace registers of the enclave in this one document, or add to
	// them. No index is refused, so that a verifier can be tried with 32.
	PCRs pcr.Bank

	// Time is when the document is made; zero: the hypervisor's clock says.
	Time time.Time

	// Nil is null in the document; empty and not nil is an empty string there.
	// No length is refused: AWS signs up to 1024 bytes in each and has signed
	// more.
	Nonce, UserData, PublicKey []byte
}

// secret is what everything that looks random is derived from: keys, serial
// numbers and identifiers. Two secrets from one seed yield the same values, so
// a seeded hypervisor is deterministic; without a seed the secret comes from
// crypto/rand and so do, in effect, the values.
type secret []byte

func seededSecret(seed []byte) secret {
	sum := sha512.Sum384(seed)
	return sum[:]
}

func randomSecret() secret {
	s := make(secret, sha512.Size384)
	rand.Read(s) // never fails, see its documentation
	return s
}

// bytes returns n bytes, at most 12240, that belong to the label.
func (s secret) bytes(label string, n int) []byte {
	out, _ := hkdf.Expand(sha512.New384, s, label, n) // fails beyond 255 blocks only
	return out
}

// child returns the secret of something further down the tree.
func (s secret) child(label string) secret {
	return s.bytes("child: "+label, sha512.Size384)
}

// below returns a number from 0 to n-1.
func (s secret) below(label string, n int64) int64 {
	v := new(big.Int).SetBytes(s.bytes(label, 16))
	return v.Mod(v, big.NewInt(n)).Int64()
}

// key returns a private key. It takes 128 bits more than the order has, so
// that the scalar is as good as uniform (FIPS 186-5, A.2.1).
func (s secret) key(label string, curve elliptic.Curve) *ecdsa.PrivateKey {
	order := curve.Params().N
	size := (order.BitLen() + 7) / 8
	scalar := new(big.Int).SetBytes(s.bytes("key: "+label, size+16))
	scalar.Mod(scalar, new(big.Int).Sub(order, big.NewInt(1)))
	scalar.Add(scalar, big.NewInt(1))
	// The scalar lies in [1, order-1], which is all that is asked of it.
	key, _ := ecdsa.ParseRawPrivateKey(curve, scalar.FillBytes(make([]byte, size)))
	return key
}

// X509 issues the certificate and parses it. It fails for one that an edit has
// made unreadable.
func (c *Certificate) X509() (*x509.Certificate, error) { return x509.ParseCertificate(c.DER()) }

// SignRevocationList signs a revocation list as the holder of the certificate,
// see [x509.CreateRevocationList]. Root, regional and zonal certificates may
// sign them; those of instances may not, as in AWS's chains.
func (c *Certificate) SignRevocationList(list *x509.RevocationList) ([]byte, error) {
	issuer, err := c.X509()
	if err != nil {
		return nil, err
	}
	return x509.CreateRevocationList(nil, list, issuer, c.Key)
}
