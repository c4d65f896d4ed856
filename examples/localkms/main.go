// Command localkms serves a local stand-in for AWS KMS that honours Recipient.
// It is for tests; package kms beside it says what it does.
//
//	AWS_ACCESS_KEY_ID=test AWS_SECRET_ACCESS_KEY=test go run ./examples/localkms -store keys.db
//
// A whole exchange, with a simulated enclave, is in ./examples/localkms/demo.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/nitroattest/nitroattest/certs"
	"github.com/nitroattest/nitroattest/examples/localkms/kms"
)

func main() {
	log.SetFlags(0)
	if err := run(); err != nil {
		log.Fatal(err)
	}
}

func run() error {
	listen := flag.String("listen", "127.0.0.1:8765", "address to listen on")
	path := flag.String("store", "", "file to keep the keys in, made if there is none; required")
	root := flag.String("root", "", "PEM file with the root of attestation documents, of a simulated hypervisor for example; AWS's own without it")
	region := flag.String("region", "us-east-1", "region in ARNs and signatures")
	account := flag.String("account", "111122223333", "account in ARNs")
	principal := flag.String("principal", "arn:aws:iam::111122223333:user/local", "who the credential in AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY stands for")
	flag.Parse()
	if *path == "" || flag.NArg() > 0 {
		return errors.New("localkms: expected -store FILE and no arguments")
	}
	access, secret := os.Getenv("AWS_ACCESS_KEY_ID"), os.Getenv("AWS_SECRET_ACCESS_KEY")
	if access == "" || secret == "" {
		return errors.New("localkms: expected the credential of clients in AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY")
	}
	roots, err := readRoots(*root)
	if err != nil {
		return err
	}
	store, err := kms.OpenStore(*path)
	if err != nil {
		return err
	}
	defer store.Close()
	server, err := kms.NewServer(store, kms.Config{
		Region: *region, Account: *account, Roots: roots,
		Credentials: []kms.Credential{{AccessKeyID: access, SecretAccessKey: secret, Principal: *principal}},
		Log:         slog.New(slog.NewTextHandler(os.Stderr, nil)),
	})
	if err != nil {
		return err
	}
	return serve(*listen, server)
}

// readRoots returns nil, which stands for AWS's own root, without a file.
func readRoots(path string) (*certs.Roots, error) {
	if path == "" {
		return nil, nil
	}
	file, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	return certs.ParseRoots(file)
}

func serve(address string, handler http.Handler) error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return err
	}
	server := &http.Server{Handler: handler, ReadTimeout: time.Minute}
	stopped := make(chan error, 1)
	go func() {
		<-ctx.Done()
		stopped <- server.Shutdown(context.Background())
	}()
	fmt.Printf("serving on http://%s\n", listener.Addr())
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return <-stopped
}
