package attestationtest

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"maps"
	"sync"
	"time"

	"github.com/nitroattest/nitroattest/pcr"
)

// Zone is an availability zone: instances in it share their zonal
// certificate.
type Zone struct {
	hypervisor *Hypervisor
	region     string
	secret     secret
	authority  authority

	mu        sync.Mutex
	instances int
}

// Instance is an EC2 instance: enclaves on it share their instance
// certificate.
type Instance struct {
	zone      *Zone
	id        string
	role      string
	secret    secret
	authority authority

	mu       sync.Mutex
	enclaves int
}

// Region returns the name of the zone's region.
func (z *Zone) Region() string { return z.region }

// NewInstance returns another instance in the zone.
func (z *Zone) NewInstance(options ...InstanceOption) *Instance {
	return z.newInstance(collect(defaults, options))
}

func (z *Zone) newInstance(c config) *Instance {
	z.mu.Lock()
	defer z.mu.Unlock()
	z.instances++
	i := &Instance{zone: z, id: c.instanceID, role: c.role, secret: z.secret.child(fmt.Sprint("instance ", z.instances))}
	if i.id == "" {
		i.id = "i-0" + hex.EncodeToString(i.secret.bytes("id", 8))
	}
	i.authority = authority{
		secret:   i.secret.child("authority"),
		rotation: instanceRotation,
		parent:   z.authority.at,
		issue: func(s secret, parent *Certificate, notBefore time.Time) *Certificate {
			return newInstance(s, z.region, i.id, parent, notBefore)
		},
	}
	return i
}

// ID returns the instance's ID, "i-" and 17 hex digits.
func (i *Instance) ID() string { return i.id }

// Zone returns where the instance runs.
func (i *Instance) Zone() *Zone { return i.zone }

// NewEnclave starts another enclave on the instance.
func (i *Instance) NewEnclave(options ...EnclaveOption) *Enclave {
	return i.newEnclave(collect(defaults, options))
}

func (i *Instance) newEnclave(c config) *Enclave {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.enclaves++
	return i.start(fmt.Sprint("enclave ", i.enclaves), c)
}

func (i *Instance) start(label string, c config) *Enclave {
	e := &Enclave{
		instance: i,
		secret:   i.secret.child(label),
		nitroTPM: c.nitroTPM,
		definite: c.definite,
	}
	e.number = enclaveNumber(e.secret)
	id := c.enclaveID
	if id == "" {
		id = hex.EncodeToString(e.number)
	} else if b, err := hex.DecodeString(id); err == nil && len(b) == len(e.number) {
		e.number = b
	}
	e.module = i.id + "-enc" + id
	if e.nitroTPM {
		e.module = i.id + "-tpm0000000000000000"
	}
	e.image = e.measure(c.image)
	if !e.nitroTPM {
		e.measured = c.sandbox.Registers()
		maps.Copy(e.image, c.sandbox)
	}
	e.registers = newRegisters(e.image, c.debug && !c.nitroTPM)
	return e
}

// enclaveNumber makes up the number that names an enclave: the millisecond in
// which it was started, here one of 2020, and 16 bits to tell apart what
// started together.
func enclaveNumber(s secret) []byte {
	const year2020 = 1577836800000
	start := uint64(year2020 + s.below("start", 365*24*3600*1000))
	return binary.BigEndian.AppendUint64(nil, start<<16|uint64(s.below("number", 1<<16)))
}

// measure returns the registers of an enclave or a NitroTPM at its start.
func (e *Enclave) measure(image pcr.Bank) pcr.Bank {
	bank := pcr.Bank{}
	made := []int{pcr.RegisterImage, pcr.RegisterKernel, pcr.RegisterApplication}
	count := bootRegisters
	if e.nitroTPM {
		made = []int{0, 1, 2, 3, 4, 5, 6, 7, 9, 11} // PCR12 is zero unless the command line is overridden
		count = pcr.NitroTPMRegisters
	}
	for register := range count {
		bank[register] = pcr.Value{}
	}
	for _, register := range made {
		bank[register] = pcr.Value(e.secret.bytes(fmt.Sprint("register ", register), pcr.Size))
	}
	if e.nitroTPM {
		for register := 17; register <= 22; register++ {
			bank[register] = allOnes
		}
	} else {
		bank[pcr.RegisterInstance] = pcr.ForInstance(e.instance.id)
		if e.instance.role != "" {
			bank[pcr.RegisterRole] = pcr.ForRole(e.instance.role)
		}
	}
	for register, value := range image {
		bank[register] = value
	}
	return bank
}

// Level is a place in the chain, and the index of a certificate in
// [Blueprint.Chain].
type Level int

// The five levels of every chain that AWS issues, from the top.
const (
	LevelRoot Level = iota
	LevelRegional
	LevelZonal
	LevelInstance
	LevelLeaf
)

var levelNames = [...]string{"root", "regional", "zonal", "instance", "leaf"}

// String returns "root", "regional", "zonal", "instance" or "leaf".
func (l Level) String() string {
	if l < 0 || int(l) >= len(levelNames) {
		return "unknown"
	}
	return levelNames[l]
}

// rotation says how an authority's certificates follow one another. A
// certificate serves for one period and is lead old when its service begins,
// so that the ages seen in documents are those of the recorded ones.
type rotation struct{ period, lead time.Duration }

var (
	regionalRotation = rotation{108 * time.Hour, 17 * time.Hour}
	zonalRotation    = rotation{15 * time.Hour, 2 * time.Hour}
	instanceRotation = rotation{11 * time.Hour, time.Minute}
)

// service is a certificate and when it came into use.
type service struct {
	certificate *Certificate
	start       time.Time
}

// authority issues the certificate of one regional, zonal or instance
// authority for any time. It changes with the one above, so that at any time
// all that an authority has certified share its certificate. Which one it is
// depends on the time alone, not on what was asked before: two programs with
// one seed get the same.
type authority struct {
	secret   secret
	rotation rotation
	parent   func(time.Time) service
	issue    func(s secret, parent *Certificate, notBefore time.Time) *Certificate

	mu      sync.Mutex
	current service
}

func (a *authority) at(t time.Time) service {
	parent := a.parent(t)
	start := a.periodStart(t)
	if start.Before(parent.start) {
		start = parent.start
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.current.certificate == nil || !a.current.start.Equal(start) {
		s := a.secret.child(fmt.Sprint("from ", start.Unix()))
		a.current = service{a.issue(s, parent.certificate, start.Add(-a.rotation.lead)), start}
	}
	return a.current
}

// periodStart is when the period began that t lies in. Every authority has its
// own hour for it.
func (a *authority) periodStart(t time.Time) time.Time {
	seconds := int64(a.rotation.period / time.Second)
	offset := a.secret.below("offset", seconds)
	since := (t.Unix() - offset) % seconds
	if since < 0 {
		since += seconds
	}
	return time.Unix(t.Unix()-since, 0)
}

// Enclave is what attests: an enclave with its Nitro Security Module, or with
// [WithNitroTPM] an instance with its NitroTPM.
type Enclave struct {
	instance *Instance
	secret   secret
	number   []byte // 8 bytes: what the enclave's ID says in hex
	module   string
	image    pcr.Bank // at boot, before debug mode hides any of it
	measured []int    // registers that the guest of a sandbox extended
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
// PCR2, PCR8 if it is signed, and those of [WithSandbox]. They are the same in debug
// mode, whose documents do not match them. For a NitroTPM they are PCR4 and PCR7, and PCR12
// and PCR13, which are zero.
func (e *Enclave) Image() pcr.Image {
	pinned := []int{pcr.RegisterImage, pcr.RegisterKernel, pcr.RegisterApplication}
	switch {
	case e.nitroTPM:
		pinned = []int{pcr.RegisterBootLoader, pcr.RegisterSecureBoot, pcr.RegisterCommandLine, pcr.RegisterSystemExtensions}
	case !e.image[pcr.RegisterCertificate].IsZero():
		pinned = append(pinned, pcr.RegisterCertificate)
	}
	image := pcr.Image{Name: "simulated", PCRs: pcr.Bank{}}
	for _, register := range append(pinned, e.measured...) {
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
	number := e.number
	if e.nitroTPM {
		number = nil // as in genuine leaves: a NitroTPM's ID has zeros in its place
	}
	return newLeaf(e.secret, e.instance.zone.region, e.module, number, e.instance.authority.at(t).certificate, t)
}

// draft fills in a document from shared certificates.
func (e *Enclave) draft(request Request, leaf *Certificate) *Blueprint {
	bank := e.registers.bank()
	maps.Copy(bank, request.PCRs)
	return newBlueprint(e, request, bank, leaf)
}
