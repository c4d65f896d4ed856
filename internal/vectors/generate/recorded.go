package main

import (
	"crypto/x509"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/nitroattest/nitroattest/attestation"
	"github.com/nitroattest/nitroattest/internal/vectors"
	"github.com/nitroattest/nitroattest/pcr"
)

// tampered are the recorded documents that were changed after AWS signed them.
var tampered = []string{"eternis-invalid-attestation-5f42eb.cbor", "veracruz-aws-nitro-document-bad-sig-7df2cd.cbor"}

// foreign is a recorded document under a root of its publisher's.
const foreign = "bedrock-bfd95b.cbor"

// recordedDocuments makes tests of every recorded document, at the ends of the
// time for which its leaf is valid and on both sides of them.
func recordedDocuments(f *vectors.File, dir string) (vectors.Group, error) {
	group := vectors.Group{
		Type:    vectors.Documents,
		Comment: "Recorded documents that AWS signed, two that were tampered with, and one that AWS did not sign. The files are beside this one; their README says where each is from.",
	}
	files, err := filepath.Glob(filepath.Join(dir, "*.cbor"))
	if err != nil {
		return group, err
	}
	for _, file := range files {
		tests, err := recordedTests(f, file)
		if err != nil {
			return group, err
		}
		group.Tests = append(group.Tests, tests...)
	}
	return group, nil
}

// skew is how far clocks may differ by default.
const skew = attestation.DefaultClockSkew

func recordedTests(f *vectors.File, file string) ([]vectors.Test, error) {
	evidence, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	u, err := attestation.ParseUnverified(evidence)
	if err != nil {
		return nil, err
	}
	leaf, err := x509.ParseCertificate(u.Certificate)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	base := filepath.Base(file)
	name := strings.ToLower(strings.TrimSuffix(base, ".cbor"))
	policy := "recorded-" + name
	f.Policies[policy] = policyOf(pcr.Policy{Images: []pcr.Image{{Name: name, PCRs: pinned(u.Document)}}})
	test := func(what, flag string, at time.Time, reason attestation.Reason, comment string) vectors.Test {
		t := vectors.Test{
			Name: "recorded-" + name + what, Comment: comment, Flags: []string{recordedFlag, flag},
			EvidenceFile: "../evidence/" + base, Time: stamp(at),
			Config:      &vectors.Config{Kind: string(u.Document.Kind), Root: awsRoot, Policy: policy},
			Expectation: &vectors.Expectation{Nonce: hexOrNull(nonEmpty(u.Document.Nonce)), UserData: hexOrNull(u.Document.UserData), PublicKey: hexOrNull(u.Document.PublicKey)},
			Attacker:    vectors.Anyone, // it is published
			Result:      vectors.Valid, Image: name,
		}
		if reason != "" {
			t.Result, t.Reason, t.Image = vectors.Invalid, string(reason), ""
		}
		return t
	}
	made := u.Document.Timestamp
	if slices.Contains(tampered, base) {
		return []vectors.Test{test("", "DocumentSignature", made, attestation.BadSignature, "the document was changed after it was signed; its chain is intact")}, nil
	}
	if base == foreign {
		return []vectors.Test{test("", "PinnedRoot", made, attestation.UntrustedRoot, "the chain ends in a root that AWS did not make")}, nil
	}
	var authentic attestation.Reason
	flag := "DocumentSignature"
	if u.Document.Kind == attestation.Enclave && u.Document.PCRs.Debug() {
		authentic, flag = attestation.DebugMode, "DebugMode"
	}
	govCloud := test("-govcloud", "PinnedRoot", made, attestation.UntrustedRoot, "the root of another partition is the trusted one")
	govCloud.Config.Root = govCloudRoot
	tests := []vectors.Test{
		test("", flag, made, authentic, "at the moment in which it was made"),
		test("-last-second", "Validity", leaf.NotAfter, authentic, "in the last second of its leaf"),
		test("-expired", "Validity", leaf.NotAfter.Add(time.Second), attestation.CertificateExpired, "a second after its leaf expired"),
		test("-later", "Clock", later, attestation.CertificateExpired, "in 2027: a verifier that goes by the document's own time accepts it"),
		test("-not-yet-valid", "Validity", leaf.NotBefore.Add(-skew-time.Second), attestation.CertificateNotYetValid, "a minute and a second before its leaf becomes valid"),
		govCloud,
	}
	if !made.After(leaf.NotBefore.Add(5 * time.Second)) {
		tests = append(tests, test("-slow-clock", "Validity", leaf.NotBefore.Add(-time.Second), authentic, "a second before its leaf becomes valid, which is seconds before the document was made: a clock that is slow"))
	}
	return tests, nil
}

// pinned are the registers of a policy for a document; one for a debugged
// enclave cannot be written, so that it gets another.
func pinned(document attestation.Document) pcr.Bank {
	bank, out := document.PCRs, pcr.Bank{}
	if document.Kind == attestation.NitroTPM {
		for _, register := range []int{pcr.RegisterBootLoader, pcr.RegisterSecureBoot, pcr.RegisterCommandLine, pcr.RegisterSystemExtensions} {
			out[register] = bank[register]
		}
		return out
	}
	for _, register := range []int{pcr.RegisterImage, pcr.RegisterKernel, pcr.RegisterApplication} {
		out[register] = bank[register]
		if bank[register].IsZero() {
			out[register] = pcr.ForInstance("what the image would measure to")
		}
	}
	return out
}

// nonEmpty expects nothing where the document has an empty nonce: nobody can
// expect that.
func nonEmpty(nonce []byte) []byte {
	if len(nonce) == 0 {
		return nil
	}
	return nonce
}
