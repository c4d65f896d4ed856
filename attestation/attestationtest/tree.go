package attestationtest

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
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
