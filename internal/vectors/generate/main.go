// Generate writes the vectors to the file that it is given. See package
// vectors.
package main

import (
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/nitroattest/nitroattest/attestation/attestationtest"
	"github.com/nitroattest/nitroattest/certs"
	"github.com/nitroattest/nitroattest/internal/vectors"
	"github.com/nitroattest/nitroattest/pcr"
)

// The seed and the times are arbitrary, and fixed.
const seed = "nitroattest vectors"

var (
	judged = time.Date(2026, 1, 15, 12, 0, 0, 0, time.UTC)
	later  = time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC) // than every recorded document
)

// Names of roots and policies that many tests use.
const (
	simulatedRoot  = "simulated"
	awsRoot        = "aws-nitro-enclaves-g1"
	govCloudRoot   = "aws-us-gov-nitro-enclaves"
	enclavePolicy  = "simulated-enclave"
	nitroTPMPolicy = "simulated-nitrotpm"
)

func main() {
	if len(os.Args) != 2 {
		log.Fatal("usage: generate FILE")
	}
	out, err := generate(os.Args[1])
	if err == nil {
		err = os.WriteFile(os.Args[1], out, 0o644)
	}
	if err != nil {
		log.Fatal(err)
	}
}

// generate returns the contents of the file. Recorded documents are looked for
// in the directory evidence beside that of the file.
func generate(path string) ([]byte, error) {
	h := attestationtest.NewHypervisor(attestationtest.WithSeed([]byte(seed)), attestationtest.WithTime(judged))
	f := &vectors.File{
		Schema:    "vectors.schema.json",
		Generator: "internal/vectors/generate",
		Header: []string{
			"Test vectors of attestation documents, see README.md in this directory.",
			"No hypervisor of AWS's signed the documents in this file: their root is a simulated one.",
			"Recorded documents of AWS's are referred to by file.",
		},
		Notes:    notes(),
		Roots:    map[string]string{},
		Policies: map[string]vectors.Policy{},
	}
	addRoot(f, simulatedRoot, h.Root())
	addRoot(f, awsRoot, certs.AWSNitroRootG1().Certificates()[0])
	addRoot(f, govCloudRoot, certs.AWSGovCloudRoot().Certificates()[0])
	evidence := filepath.Join(filepath.Dir(filepath.Dir(path)), "evidence")
	for _, add := range []func() (vectors.Group, error){
		func() (vectors.Group, error) { return mutations(f, h) },
		func() (vectors.Group, error) { return recordedDocuments(f, evidence) },
		func() (vectors.Group, error) { return revocations(h) },
		func() (vectors.Group, error) { return expiringChain(h), nil },
		func() (vectors.Group, error) { return malleableSignatures(h), nil },
		func() (vectors.Group, error) { return poisoningChains(h), nil },
		func() (vectors.Group, error) { return policies(), nil },
	} {
		group, err := add()
		if err != nil {
			return nil, err
		}
		f.TestGroups = append(f.TestGroups, group)
	}
	return f.Marshal()
}

func addRoot(f *vectors.File, name string, root *x509.Certificate) {
	f.Roots[name] = string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: root.Raw}))
}

func policyOf(policy pcr.Policy) vectors.Policy {
	var out vectors.Policy
	for _, image := range policy.Images {
		out.Images = append(out.Images, imageOf(image))
	}
	return out
}

func imageOf(image pcr.Image) vectors.Image {
	return vectors.Image{Name: image.Name, PCRs: registersOf(image.PCRs), Exchange: image.Exchange}
}

// registersOf is null for no bank.
func registersOf(bank pcr.Bank) map[string]string {
	if bank == nil {
		return nil
	}
	out := map[string]string{}
	for register, value := range bank {
		out[strconv.Itoa(register)] = value.String()
	}
	return out
}

// stamp has milliseconds, as timestamps in documents do.
func stamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }

func hexOrNull(b []byte) *string {
	if b == nil {
		return nil
	}
	s := fmt.Sprintf("%x", b)
	return &s
}

func seconds(d time.Duration) *int {
	if d == 0 {
		return nil
	}
	n := int(d / time.Second)
	return &n
}
