package simulate

import (
	"crypto/sha512"
	"errors"
	"fmt"
	"slices"

	"github.com/nitroattest/nitroattest/attestation"
	"github.com/nitroattest/nitroattest/attestation/attestationtest"
	"github.com/nitroattest/nitroattest/pcr"
)

// Mutations are all ways to break a document, and after them the changes that
// break nothing.
func Mutations() []attestationtest.Mutation {
	return slices.Concat(attestationtest.Mutations(), attestationtest.Variations())
}

// FindMutation returns the one with the name.
func FindMutation(name string) (attestationtest.Mutation, error) {
	all := Mutations()
	i := slices.IndexFunc(all, func(m attestationtest.Mutation) bool { return m.Name == name })
	if i < 0 {
		return attestationtest.Mutation{}, fmt.Errorf("found %q, expected the name of a mutation", name)
	}
	return all[i], nil
}

// Broken is a document that was broken on purpose. Case says what a verifier has
// to be told for the mutation's Reason to be the verdict.
type Broken struct{ attestationtest.Case }

// RootPEM is what the verifier has to trust.
func (b *Broken) RootPEM() []byte { return encodeRoot(b.Root.Raw) }

// Break carries out a mutation on the document of a request, to be judged at the
// request's time. A field that the mutation breaks and the request leaves out is
// made up. It fails if the verifier of this repository gives another verdict than
// the mutation's, as for a register that the policy does not list.
func (s *Simulator) Break(m attestationtest.Mutation, request attestationtest.Request) (*Broken, error) {
	if tpm := s.policy.Kind.Is(pcr.NitroTPM); tpm != m.NitroTPM {
		return nil, fmt.Errorf("%s breaks a document of kind %s, which this is not", m.Name, kindOf(m))
	}
	verdict := error(nil)
	for _, r := range []attestationtest.Request{request, filled(request)} {
		b := &Broken{s.hypervisor.Enclave().Case(m, r)}
		b.Policy = s.policy
		if verdict = b.verdict(); reasonOf(verdict) == m.Reason {
			return b, nil
		}
	}
	if verdict == nil {
		return nil, fmt.Errorf("%s breaks nothing that the policy of this image asks for", m.Name)
	}
	return nil, fmt.Errorf("%s: the verdict on this document would be another one: %w", m.Name, verdict)
}

func kindOf(m attestationtest.Mutation) pcr.Kind {
	if m.NitroTPM {
		return pcr.NitroTPM
	}
	return pcr.Enclave
}

// filled has every field. The values say what they are for.
func filled(r attestationtest.Request) attestationtest.Request {
	for _, field := range []struct {
		value *[]byte
		name  string
	}{{&r.Nonce, "nonce"}, {&r.UserData, "user data"}, {&r.PublicKey, "public key"}} {
		if *field.value == nil {
			digest := sha512.Sum512_256([]byte("simulated " + field.name))
			*field.value = digest[:]
		}
	}
	return r
}

// verdict appraises the document as Case says.
func (b *Broken) verdict() error {
	verifier, err := attestation.NewVerifier(b.Config())
	if err != nil {
		return err
	}
	_, err = verifier.Verify(b.Document, b.Expect())
	return err
}

// reasonOf is empty for no error, and no Reason for another one.
func reasonOf(err error) attestation.Reason {
	var refused *attestation.Error
	switch {
	case err == nil:
		return ""
	case errors.As(err, &refused):
		return refused.Reason
	}
	return "no-verdict"
}
