package attestationtest

import (
	"crypto/x509"
	"maps"
	"time"

	"github.com/nitroattest/nitroattest/attestation"
	"github.com/nitroattest/nitroattest/certs"
	"github.com/nitroattest/nitroattest/pcr"
)

// Case is a mutation carried out, with everything that a verifier has to be
// told to judge it. The verifier must accept Original, trusting the
// hypervisor's root, and give the mutation's Reason for Document, trusting
// Root.
type Case struct {
	Mutation Mutation
	Original []byte // the document before the change
	Document []byte // and after it
	Root     *x509.Certificate

	Now    time.Time     // the verifier's clock
	MaxAge time.Duration // the age limit; 0: none
	Policy pcr.Policy    // two images, of which the second is the document's

	// What the verifier expects the fields to be; nil: it does not ask.
	Nonce, UserData, PublicKey []byte
	// NoUserData and NoPublicKey: the fields have to be null. PCRs are registers
	// that the exchange expects, which the document has; nil: none.
	NoUserData, NoPublicKey bool
	PCRs                    pcr.Bank
}

// The document is half a minute old when it is judged and its leaf an hour, so
// that a change can move one of these times without touching the others.
const (
	caseAge     = 30 * time.Second
	caseLeafAge = time.Hour
	caseMaxAge  = 5 * time.Minute
)

// Case carries out a mutation on a document of an enclave that is like the
// hypervisor's first one, but there for this only. It does not depend on what
// was asked of the hypervisor before.
func (h *Hypervisor) Case(m Mutation) Case {
	now := h.clock().Truncate(time.Second)
	c := Case{Mutation: m, Root: h.Root(), Now: now, MaxAge: caseMaxAge}
	e := h.enclave.instance.start("case", config{nitroTPM: m.NitroTPM})
	c.Nonce, c.UserData, c.PublicKey = e.secret.bytes("nonce", 32), e.secret.bytes("user data", 32), e.secret.bytes("public key", 65)
	if m.Arrange != nil {
		m.Arrange(&c)
	}
	request := Request{Time: c.Now.Add(-caseAge), Nonce: c.Nonce, UserData: c.UserData, PublicKey: c.PublicKey}
	request.PCRs = maps.Clone(c.PCRs)
	image := e.Image()
	if !m.NitroTPM {
		signed := otherRegister(e.secret, "own", pcr.RegisterCertificate)
		if request.PCRs == nil {
			request.PCRs = pcr.Bank{}
		}
		request.PCRs[pcr.RegisterCertificate] = signed
		image.PCRs[pcr.RegisterCertificate] = signed
	}
	c.Policy = pcr.Policy{Images: []pcr.Image{otherImage(e.secret, image), image}}
	if m.NitroTPM {
		c.Policy.Kind = pcr.NitroTPM
	}

	draft := e.draft(request, e.issueLeaf(request.Time.Add(-caseLeafAge)))
	c.Original = draft.Document()
	b := draft.clone()
	if m.Apply != nil {
		m.Apply(b)
	}
	c.Document = b.Document()
	if m.TrustsRoot {
		c.Root, _ = x509.ParseCertificate(b.Chain[LevelRoot].DER())
	}
	return c
}

// otherImage has the registers of an image, all with other values.
func otherImage(s secret, image pcr.Image) pcr.Image {
	other := pcr.Image{Name: "other", PCRs: pcr.Bank{}}
	for register := range image.PCRs {
		other.PCRs[register] = otherRegister(s, "other", register)
	}
	return other
}

// Config returns the configuration of a verifier of the case, which trusts
// Root.
func (c Case) Config() attestation.Config {
	config := attestation.Config{Policy: c.Policy, Now: func() time.Time { return c.Now }}
	if c.Mutation.NitroTPM {
		config.Kind = attestation.NitroTPM
	}
	// Without roots the verifier would trust AWS's, and refuse.
	config.Roots, _ = certs.NewRoots(c.Root)
	return config
}

// Expect returns what the verifier expects of this exchange.
func (c Case) Expect() attestation.Expect {
	return attestation.Expect{
		Nonce: c.Nonce, MaxAge: c.MaxAge, UserData: c.UserData, PublicKey: c.PublicKey,
		NoUserData: c.NoUserData, NoPublicKey: c.NoPublicKey, PCRs: c.PCRs,
	}
}
