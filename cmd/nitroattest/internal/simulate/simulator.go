package simulate

import (
	"encoding/pem"
	"fmt"
	"maps"
	"time"

	"github.com/nitroattest/nitroattest/attestation/attestationtest"
	"github.com/nitroattest/nitroattest/pcr"
)

// Config says what the enclave runs. The zero value is an enclave with a signed
// image whose registers are made up.
type Config struct {
	// Kind is whose documents are made. Zero: pcr.Enclave.
	Kind pcr.Kind
	// Name is what the policy calls the image. Zero: "simulated".
	Name string
	// PCRs are registers that the caller knows. The policy pins them all.
	PCRs pcr.Bank
	// Measured: PCRs are all that the image leads to. Otherwise PCR0, PCR1, PCR2
	// and PCR8 are made up where they are not among them.
	Measured bool
	// Debug starts the enclave in debug mode.
	Debug bool
}

// Simulator is a simulated hypervisor with one enclave.
type Simulator struct {
	hypervisor *attestationtest.Hypervisor
	policy     pcr.Policy
}

// New returns the hypervisor of a state. It fails for registers that no policy
// can rest on.
func (s *State) New(c Config) (*Simulator, error) {
	if c.Name == "" {
		c.Name = "simulated"
	}
	tpm := c.Kind.Is(pcr.NitroTPM)
	boot := maps.Clone(c.PCRs)
	if boot == nil {
		boot = pcr.Bank{}
	}
	if _, ok := boot[pcr.RegisterCertificate]; !ok && !tpm && !c.Measured {
		// The digest gives nothing of the seed away.
		boot[pcr.RegisterCertificate] = pcr.Value{}.Extend(append([]byte("signing certificate of "), s.seed...))
	}
	options := []attestationtest.Option{attestationtest.WithSeed(s.seed), attestationtest.WithImage(boot)}
	if tpm {
		options = append(options, attestationtest.WithNitroTPM())
	}
	if c.Debug {
		options = append(options, attestationtest.WithDebugMode())
	}
	h := attestationtest.NewHypervisor(options...)
	image := h.Enclave().Image()
	image.Name = c.Name
	maps.Copy(image.PCRs, c.PCRs)
	policy := pcr.Policy{Images: []pcr.Image{image}}
	if tpm {
		policy.Kind = pcr.NitroTPM
	}
	if err := policy.Validate(); err != nil {
		return nil, err
	}
	return &Simulator{h, policy}, nil
}

// Policy accepts the image of the enclave and no other.
func (s *Simulator) Policy() pcr.Policy { return s.policy }

// ModuleID names the enclave.
func (s *Simulator) ModuleID() string { return s.hypervisor.Enclave().ModuleID() }

// Root returns the root certificate as PEM.
func (s *Simulator) Root() []byte { return encodeRoot(s.hypervisor.Root().Raw) }

func encodeRoot(der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
}

// leafPeriod is how long documents that different processes make share a leaf:
// a leaf is good for three hours, so each of these documents is for two more.
const leafPeriod = time.Hour

// Attest returns a document. Those of one hour have one certificate, as the
// documents of an enclave have.
func (s *Simulator) Attest(request attestationtest.Request) ([]byte, error) {
	root := s.hypervisor.Root()
	first := request.Time.Truncate(leafPeriod)
	if first.Before(root.NotBefore) || request.Time.After(root.NotAfter) {
		return nil, fmt.Errorf("found %s, expected a time in the validity of the root, which is from %s to %s",
			request.Time.UTC().Format(time.RFC3339), root.NotBefore.Format(time.RFC3339), root.NotAfter.Format(time.RFC3339))
	}
	s.hypervisor.Attest(attestationtest.Request{Time: first}) // makes the leaf
	return s.hypervisor.Attest(request), nil
}
