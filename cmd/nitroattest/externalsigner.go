package main

import (
	"bytes"
	"crypto"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"strings"
)

// externalSigner is a program that has a key: one that asks AWS KMS, or a
// PKCS#11 module. It gets the bytes to sign on its standard input, unhashed,
// and writes the signature in ASN.1 to its standard output, as
// "openssl dgst -sha384 -sign key.pem" does.
type externalSigner struct {
	command string // the program and its arguments, with spaces between them
	public  crypto.PublicKey
	errors  io.Writer // where its standard error goes
}

const maxSignature = 64 << 10

// Public returns the key whose signature is expected.
func (s *externalSigner) Public() crypto.PublicKey { return s.public }

// Sign is there for crypto.Signer; a digest is not what the program gets.
func (s *externalSigner) Sign(io.Reader, []byte, crypto.SignerOpts) ([]byte, error) {
	return nil, errors.New("--signer: signs messages, not digests")
}

// SignMessage implements [crypto.MessageSigner].
func (s *externalSigner) SignMessage(_ io.Reader, message []byte, _ crypto.SignerOpts) ([]byte, error) {
	words := strings.Fields(s.command)
	if len(words) == 0 {
		return nil, errors.New("--signer: empty, expected a program")
	}
	cmd := exec.Command(words[0], words[1:]...)
	cmd.Stdin = bytes.NewReader(message)
	cmd.Stderr = s.errors
	signature, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("--signer: %s: %w", words[0], err)
	}
	if len(signature) == 0 || len(signature) > maxSignature {
		return nil, fmt.Errorf("--signer: %s: found %d bytes on its standard output, expected a signature in ASN.1", words[0], len(signature))
	}
	return signature, nil
}
