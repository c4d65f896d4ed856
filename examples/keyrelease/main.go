// Command keyrelease has a data owner, a parent instance and a simulated enclave
// exchange a secret and a result over sockets: vsock between parent and enclave
// where this machine has it, TCP otherwise.
//
//	go run ./examples/keyrelease
package main

import (
	"bytes"
	"errors"
	"fmt"
	"log"
	"net"
	"slices"
	"strconv"

	"github.com/nitroattest/nitroattest/attestation"
	"github.com/nitroattest/nitroattest/attestation/attestationtest"
	"github.com/nitroattest/nitroattest/examples/keyrelease/release"
	"github.com/nitroattest/nitroattest/examples/keyrelease/stream"
	"github.com/nitroattest/nitroattest/pcr"
)

func main() {
	log.SetFlags(0)
	if err := run(); err != nil {
		log.Fatal(err)
	}
}

func run() error {
	hypervisor := attestationtest.NewHypervisor()
	enclave, err := stream.Listen()
	if err != nil {
		return err
	}
	defer enclave.Close()
	parent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	defer parent.Close()

	failed := make(chan error, 2)
	go func() { failed <- runEnclave(enclave, hypervisor.Enclave().NSM()) }()
	var seen bytes.Buffer
	go func() { failed <- runParent(parent, enclave.Addr(), &seen) }()

	secret := []byte("Ada 52000\nGrace 61500\nKatherine 58250\n")
	result, err := runOwner(parent.Addr(), hypervisor, secret)
	_, _ = parent.Close(), enclave.Close() // whoever still waits for a connection
	if err := errors.Join(err, <-failed, <-failed); err != nil {
		return err
	}
	fmt.Printf("owner: the enclave says %q\n", result)
	fmt.Printf("parent: passed on %d bytes, with the secret in them: %t, with the result: %t\n", seen.Len(),
		bytes.Contains(seen.Bytes(), secret[:9]), bytes.Contains(seen.Bytes(), result))
	return nil
}

func runEnclave(listener net.Listener, module release.Module) error {
	parent, err := listener.Accept()
	if err != nil {
		return err
	}
	defer parent.Close()
	return release.Enclave{Module: module, Work: median}.Serve(parent)
}

// runParent passes one exchange on and writes down what it sees of it.
func runParent(listener net.Listener, enclave net.Addr, seen *bytes.Buffer) error {
	owner, err := listener.Accept()
	if err != nil {
		return err
	}
	conn, err := stream.Dial(enclave)
	if err != nil {
		_ = owner.Close()
		return err
	}
	fmt.Printf("parent: owner on %s, enclave on %s\n", owner.RemoteAddr().Network(), enclave.Network())
	return stream.Relay(owner, conn, func(_ stream.Step, message []byte) []byte {
		seen.Write(message)
		return message
	})
}

// runOwner trusts the simulated hypervisor and its image. A real owner leaves
// Roots away and takes the policy from the image's build.
func runOwner(address net.Addr, hypervisor *attestationtest.Hypervisor, secret []byte) ([]byte, error) {
	verifier, err := attestation.NewVerifier(attestation.Config{
		Policy: pcr.Policy{Images: []pcr.Image{hypervisor.Enclave().Image()}},
		Roots:  hypervisor.Roots(),
	})
	if err != nil {
		return nil, err
	}
	parent, err := stream.Dial(address)
	if err != nil {
		return nil, err
	}
	defer parent.Close()
	return release.Owner{Verifier: verifier}.Release(parent, secret)
}

// median is the work of the enclave: the median of the salaries, one a line.
func median(secret []byte) ([]byte, error) {
	var salaries []int
	for line := range bytes.Lines(secret) {
		_, salary, _ := bytes.Cut(bytes.TrimSpace(line), []byte(" "))
		n, err := strconv.Atoi(string(salary))
		if err != nil {
			return nil, errors.New("a line is not a name and a salary")
		}
		salaries = append(salaries, n)
	}
	if len(salaries) == 0 {
		return nil, errors.New("there are no salaries")
	}
	slices.Sort(salaries)
	return fmt.Appendf(nil, "the median of %d salaries is %d", len(salaries), salaries[len(salaries)/2]), nil
}
