// Command grpc shows a gRPC client that talks to an attested enclave and to nobody
// else:
//
//	go run ./examples/grpc
//
// It starts a gRPC server in a simulated enclave, one with another image, and one
// that shows a document of the first again. What is simulated is the hypervisor;
// gRPC, TLS and verification are what they would be.
package main

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net"
	"sync"

	"google.golang.org/grpc"
	"google.golang.org/grpc/peer"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/nitroattest/nitroattest/attestation"
	"github.com/nitroattest/nitroattest/attestation/attestationtest"
	"github.com/nitroattest/nitroattest/attestation/attestedtls"
	"github.com/nitroattest/nitroattest/examples/grpc/attestedgrpc"
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
	image := hypervisor.Enclave().Image() // yours: pcr.ReadPolicy of what nitro-cli printed
	image.Name = "v1.2.0"
	verifier, err := attestation.NewVerifier(attestation.Config{
		Policy: pcr.Policy{Images: []pcr.Image{image}},
		Roots:  hypervisor.Roots(), // leave it out to trust AWS's root
	})
	if err != nil {
		return err
	}
	enclave := hypervisor.Enclave().NSM() // in an enclave: nsm.Open()
	other := hypervisor.Enclave().Instance().NewEnclave().NSM()
	for _, try := range []struct {
		name     string
		attester attestedtls.Attester
	}{{"enclave", enclave}, {"other image", other}, {"replay", &replay{of: enclave}}} {
		server, address, err := serve(try.attester)
		if err != nil {
			return err
		}
		answer, err := talk(verifier, address)
		server.Stop()
		if err != nil {
			answer = "refused: " + reason(err)
		}
		fmt.Printf("%-12s %s\n", try.name, answer)
	}
	return nil
}

// talk sends a secret to a server and returns its answer, and the image that gave
// it.
func talk(verifier *attestation.Verifier, address string) (string, error) {
	var mu sync.Mutex
	var refusal error
	credentials, err := attestedgrpc.NewClient(attestedgrpc.ClientConfig{
		Attested:  attestedtls.Config{Verifier: verifier},
		OnRefusal: func(err error) { mu.Lock(); defer mu.Unlock(); refusal = err },
	})
	if err != nil {
		return "", err
	}
	conn, err := grpc.NewClient(address, grpc.WithTransportCredentials(credentials))
	if err != nil {
		return "", err
	}
	defer conn.Close()
	var server peer.Peer
	answer := new(wrapperspb.StringValue)
	if err := conn.Invoke(context.Background(), sayMethod, wrapperspb.String("the secret"), answer, grpc.Peer(&server)); err != nil {
		mu.Lock()
		defer mu.Unlock()
		return "", errors.Join(refusal, err)
	}
	info, ok := server.AuthInfo.(attestedgrpc.AuthInfo)
	if !ok {
		return "", errors.New("the answer is not of an attested enclave")
	}
	return fmt.Sprintf("%s says %q", info.Result.Image.Name, answer.Value), nil
}

// reason returns the name of why a document was refused.
func reason(err error) string {
	var refused *attestation.Error
	if errors.As(err, &refused) {
		return string(refused.Reason)
	}
	return err.Error()
}

// serve starts a gRPC server that repeats what it hears.
func serve(attester attestedtls.Attester) (*grpc.Server, string, error) {
	credentials, err := attestedgrpc.NewServer(attester)
	if err != nil {
		return nil, "", err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0") // in an enclave: of vsock
	if err != nil {
		return nil, "", err
	}
	server := grpc.NewServer(grpc.Creds(credentials))
	server.RegisterService(&echo, nil)
	go server.Serve(listener)
	return server, listener.Addr().String(), nil
}

// echo is a service of one method, described by hand where yours is generated.
var echo = grpc.ServiceDesc{
	ServiceName: "nitroattest.examples.Echo",
	HandlerType: (*any)(nil),
	Methods: []grpc.MethodDesc{{
		MethodName: "Say",
		Handler: func(_ any, _ context.Context, decode func(any) error, _ grpc.UnaryServerInterceptor) (any, error) {
			heard := new(wrapperspb.StringValue)
			if err := decode(heard); err != nil {
				return nil, err
			}
			return wrapperspb.String("got " + heard.Value), nil
		},
	}},
}

const sayMethod = "/nitroattest.examples.Echo/Say"

// replay is an impostor that was given a document once and shows it to everybody.
type replay struct {
	of   attestedtls.Attester
	once sync.Once
	seen []byte
	err  error
}

func (r *replay) Attest(userData, _, publicKey []byte) ([]byte, error) {
	r.once.Do(func() { r.seen, r.err = r.of.Attest(userData, []byte("a nonce of before"), publicKey) })
	return r.seen, r.err
}
