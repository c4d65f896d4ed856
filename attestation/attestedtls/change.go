package attestedtls

import (
	"bytes"
	"crypto/x509"
	"sync"

	"github.com/nitroattest/nitroattest/attestation"
)

// Change is what differs between two connections to one address: behind a
// balancer, after a restart, or when somebody else starts the same image.
type Change struct {
	Address       string
	Before, After *attestation.Result
	Module        bool // another enclave: its module ID differs
	Key           bool // another key in the certificate
}

// StayWithModule is for Config.OnChange: it refuses another enclave than the
// first one at an address. A new key of the same enclave is good.
func StayWithModule(change Change) error {
	if change.Module {
		return errorf(Changed, "%s: found module %s, expected %s as before", change.Address, change.After.Document.ModuleID, change.Before.Document.ModuleID)
	}
	return nil
}

// StayWithKey is for Config.OnChange: it refuses another enclave, and another
// key in the certificate, than the first ones at an address.
func StayWithKey(change Change) error {
	if err := StayWithModule(change); err != nil {
		return err
	}
	if change.Key {
		return errorf(Changed, "%s: found another key of module %s than before", change.Address, change.After.Document.ModuleID)
	}
	return nil
}

// memory is what a Dialer knows of the enclaves that it has been connected to.
type memory struct {
	mu    sync.Mutex
	known map[string]acquaintance // by address
}

type acquaintance struct {
	result *attestation.Result
	key    []byte // SubjectPublicKeyInfo
}

// meet compares with the connection before and asks what to do about a
// difference. What is refused is not remembered.
func (m *memory) meet(address string, result *attestation.Result, certificate *x509.Certificate, onChange func(Change) error) error {
	if onChange == nil {
		return nil
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	next := acquaintance{result, certificate.RawSubjectPublicKeyInfo}
	if before, ok := m.known[address]; ok {
		change := Change{
			Address: address, Before: before.result, After: result,
			Module: before.result.Document.ModuleID != result.Document.ModuleID,
			Key:    !bytes.Equal(before.key, next.key),
		}
		if change.Module || change.Key {
			if err := onChange(change); err != nil {
				if known, ok := err.(*Error); ok && known.Reason == Changed {
					return known
				}
				return &Error{Reason: Changed, Detail: address, Err: err}
			}
		}
	}
	if m.known == nil {
		m.known = make(map[string]acquaintance)
	}
	m.known[address] = next
	return nil
}
