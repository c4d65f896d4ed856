package vectors

import (
	"bytes"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"math/big"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/nitroattest/nitroattest/attestation"
	"github.com/nitroattest/nitroattest/certs"
	"github.com/nitroattest/nitroattest/pcr"
)

// Read reads a file of vectors. Unknown keys are errors.
func Read(path string) (*File, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("vectors: %w", err)
	}
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	f := new(File)
	if err := d.Decode(f); err != nil {
		return nil, fmt.Errorf("vectors: %w", err)
	}
	for _, g := range f.TestGroups {
		for i := range g.Tests {
			if err := g.Tests[i].load(filepath.Dir(path)); err != nil {
				return nil, err
			}
		}
	}
	return f, nil
}

// load fills in the evidence that is in a file of its own.
func (t *Test) load(dir string) (err error) {
	if t.EvidenceFile != "" {
		if t.Evidence, err = os.ReadFile(filepath.Join(dir, t.EvidenceFile)); err != nil {
			return fmt.Errorf("vectors: test %d: %w", t.ID, err)
		}
	}
	return nil
}

// Root returns a root certificate by its name.
func (f *File) Root(name string) (*x509.Certificate, error) {
	block, _ := pem.Decode([]byte(f.Roots[name]))
	if block == nil {
		return nil, fmt.Errorf("vectors: root %q: found no PEM", name)
	}
	return x509.ParseCertificate(block.Bytes)
}

// VerifierConfig returns what attestation.NewVerifier takes, with a clock that
// shows *now.
func (f *File) VerifierConfig(c *Config, now *time.Time) (attestation.Config, error) {
	config := attestation.Config{Kind: attestation.Kind(c.Kind), Now: func() time.Time { return *now }}
	root, err := f.Root(c.Root)
	if err != nil {
		return config, err
	}
	if config.Roots, err = certs.NewRoots(root); err != nil {
		return config, err
	}
	text, err := json.Marshal(f.Policies[c.Policy])
	if err != nil {
		return config, err
	}
	if config.Policy, err = ReadPolicy(string(text), c.Kind); err != nil {
		return config, err
	}
	if c.Revocation != nil {
		config.Revocations, err = c.Revocation.revocations()
	}
	return config, err
}

// ReadPolicy reads a policy for one kind of documents.
func ReadPolicy(text, kind string) (pcr.Policy, error) {
	return pcr.Kind(kind).ReadPolicy(strings.NewReader(text))
}

func (r *Revocation) revocations() (*certs.Revocations, error) {
	config := certs.RevocationConfig{Unknown: certs.RefuseUnknown, CRLs: r.CRLs, Modules: r.Modules}
	if r.Unknown == "accept" {
		config.Unknown = certs.InsecureAcceptUnknown
	}
	for _, id := range r.Certificates {
		serial, ok := new(big.Int).SetString(id.Serial, 16)
		if !ok {
			return nil, fmt.Errorf("vectors: serial number %q: not hex", id.Serial)
		}
		config.Certificates = append(config.Certificates, certs.CertificateID{Issuer: id.Issuer, Serial: serial})
	}
	return certs.NewRevocations(config)
}

// Expect returns what attestation.Verifier.Verify takes.
func (e *Expectation) Expect() (attestation.Expect, error) {
	expect := attestation.Expect{
		InsecureNoFreshness: e.Nonce == nil && e.MaxAgeSeconds == nil,
		NoUserData:          e.NoUserData, NoPublicKey: e.NoPublicKey,
	}
	for index, digits := range e.PCRs {
		register, err := strconv.Atoi(index)
		if err != nil {
			return expect, fmt.Errorf("vectors: expectation: %w", err)
		}
		value, err := pcr.ParseValue(digits)
		if err != nil {
			return expect, fmt.Errorf("vectors: expectation: %w", err)
		}
		if expect.PCRs == nil {
			expect.PCRs = pcr.Bank{}
		}
		expect.PCRs[register] = value
	}
	if e.MaxAgeSeconds != nil {
		expect.MaxAge = time.Duration(*e.MaxAgeSeconds) * time.Second
	}
	for _, field := range []struct {
		from *string
		to   *[]byte
	}{{e.Nonce, &expect.Nonce}, {e.UserData, &expect.UserData}, {e.PublicKey, &expect.PublicKey}} {
		if field.from == nil {
			continue
		}
		value, err := hex.DecodeString(*field.from)
		if err != nil {
			return expect, fmt.Errorf("vectors: expectation: %w", err)
		}
		*field.to = append([]byte{}, value...)
	}
	return expect, nil
}
