package attestationtest

import (
	"maps"
	"sync"
	"time"

	"github.com/nitroattest/nitroattest/pcr"
)

// Enclave is what attests: an enclave with its Nitro Security Module, or with
// [WithNitroTPM] an instance with its NitroTPM.
type Enclave struct {
	instance *Instance
	secret   secret
	number   []byte // 8 bytes: what the enclave's ID says in hex
	module   string
	image    pcr.Bank // at boot, before debug mode hides any of it
	nitroTPM bool
	definite bool

	mu        sync.Mutex
	registers registers
	leaf      *Certificate // the newest, with its requests' earliest time
	leafTime  time.Time
	randoms   int
}

// leafService is how long a leaf is reused for; leaves of up to 8523 s were
// seen in use.
const leafService = 8640 * time.Second

// ModuleID returns the enclave's ID: that of its instance, "-enc" and 16 hex
// digits. For a NitroTPM "-tpm0000000000000000" takes the place of the latter.
func (e *Enclave) ModuleID() string { return e.module }

// Instance returns the instance that the enclave runs on.
func (e *Enclave) Instance() *Instance { return e.instance }

// Image returns the reference values of the enclave's image: PCR0, PCR1 and
// PCR2, and PCR8 if it is signed. They are the same in debug mode, whose
// documents do not match them. For a NitroTPM they are PCR4, PCR7 and PCR12,
// of which the last is zero.
func (e *Enclave) Image() pcr.Image {
	pinned := []int{pcr.RegisterImage, pcr.RegisterKernel, pcr.RegisterApplication}
	switch {
	case e.nitroTPM:
		pinned = []int{pcr.RegisterBootLoader, pcr.RegisterSecureBoot, pcr.RegisterCommandLine}
	case !e.image[pcr.RegisterCertificate].IsZero():
		pinned = append(pinned, pcr.RegisterCertificate)
	}
	image := pcr.Image{Name: "simulated", PCRs: pcr.Bank{}}
	for _, register := range pinned {
		image.PCRs[register] = e.image[register]
	}
	return image
}

// Attest returns an attestation document: a COSE_Sign1 message in the encoding
// that AWS uses, signed by the enclave's leaf certificate. The leaf is made for
// the first request and reused for those of the next hours, as AWS does.
func (e *Enclave) Attest(request Request) []byte { return e.document(request).Document() }

// Blueprint returns the document that Attest would return, before it is
// signed. It is a copy: editing it changes nothing in the enclave.
func (e *Enclave) Blueprint(request Request) *Blueprint { return e.document(request).clone() }

func (e *Enclave) document(request Request) *Blueprint {
	if request.Time.IsZero() {
		request.Time = e.instance.zone.hypervisor.clock()
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.draft(request, e.leafAt(request.Time))
}

// leafAt returns the leaf that serves at a time. It remembers one: a request
// from before the last leaf's first gets a leaf of its own.
func (e *Enclave) leafAt(t time.Time) *Certificate {
	if e.leaf == nil || t.Before(e.leafTime) || t.Sub(e.leafTime) > leafService {
		e.leaf, e.leafTime = e.issueLeaf(t), t
	}
	return e.leaf
}

func (e *Enclave) issueLeaf(t time.Time) *Certificate {
	return newLeaf(e.secret, e.instance.zone.region, e.module, e.number, e.instance.authority.at(t).certificate, t)
}

// draft fills in a document from shared certificates.
func (e *Enclave) draft(request Request, leaf *Certificate) *Blueprint {
	bank := e.registers.bank()
	maps.Copy(bank, request.PCRs)
	return newBlueprint(e, request, bank, leaf)
}
