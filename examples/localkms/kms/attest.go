package kms

import (
	"errors"
	"fmt"

	"github.com/nitroattest/nitroattest/attestation"
	"github.com/nitroattest/nitroattest/attestation/recipient"
	"github.com/nitroattest/nitroattest/pcr"
)

// MaxDocumentAge is how old the attestation document of a request may be: as
// old as the signature of the request.
const MaxDocumentAge = maxRequestAge

// recipientInfo is the Recipient of a request.
type recipientInfo struct {
	AttestationDocument    []byte
	KeyEncryptionAlgorithm string
}

// newVerifier returns a verifier that tells genuine documents from others and
// leaves the image to the key policy: its operators, StringNotEquals for one,
// say things that a list of images cannot. The image is looked at in
// keyPolicy.allows, before any answer is made.
func newVerifier(config Config) (*attestation.Verifier, error) {
	return attestation.NewVerifier(attestation.Config{
		Roots:            config.Roots,
		Now:              config.Now,
		InsecureAnyImage: true,
	})
}

// attest verifies the document of a request. Without Recipient the result is
// nil.
func (s *Server) attest(info *recipientInfo) (*attestation.Result, error) {
	if info == nil {
		return nil, nil
	}
	if info.KeyEncryptionAlgorithm != "RSAES_OAEP_SHA_256" {
		return nil, refuse(validation, "found KeyEncryptionAlgorithm %q, expected RSAES_OAEP_SHA_256", info.KeyEncryptionAlgorithm)
	}
	result, err := s.verifier.Verify(info.AttestationDocument, attestation.Expect{MaxAge: MaxDocumentAge})
	switch {
	case errors.Is(err, attestation.MalformedEvidence), errors.Is(err, attestation.InvalidField):
		return nil, refuse(validation, "AttestationDocument: %v", err)
	case err != nil:
		return nil, refuse(accessDenied, "AttestationDocument: %v", err)
	}
	return result, nil
}

// registers returns the condition keys of a verified document, in lower case:
// names of condition keys are the same in any case.
func registers(result *attestation.Result) map[string]string {
	if result == nil {
		return nil
	}
	keys := map[string]string{}
	for register, value := range result.Document.PCRs {
		keys[fmt.Sprintf("%spcr%d", attestationPrefix, register)] = value.String()
		if register == pcr.RegisterImage {
			keys[attestationPrefix+"imagesha384"] = value.String()
		}
	}
	return keys
}

// secret is an answer in one of its two forms.
type secret struct {
	Plaintext              []byte `json:",omitempty"`
	CiphertextForRecipient []byte `json:",omitempty"`
}

func (s secret) wipe() { clear(s.Plaintext) }

// answer seals what is secret to the enclave, and wipes it, or lets it pass when
// no enclave asked.
func (s *Server) answer(result *attestation.Result, plaintext []byte) (secret, error) {
	if result == nil {
		return secret{Plaintext: plaintext}, nil
	}
	defer clear(plaintext)
	envelope, err := s.sealer.Seal(result, plaintext)
	switch {
	case errors.Is(err, recipient.InvalidKey):
		return secret{}, refuse(validation, "AttestationDocument: %v", err)
	case err != nil:
		return secret{}, refuse(accessDenied, "AttestationDocument: %v", err)
	}
	return secret{CiphertextForRecipient: envelope}, nil
}
