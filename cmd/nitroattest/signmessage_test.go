package main

import (
	"crypto"
	"fmt"
	"io"
	"os"
)

// signMessage is a program for --signer: it signs its standard input with the
// key in a file, as openssl dgst -sha384 -sign does.
func signMessage() {
	key, err := readSigningKey(os.Args[1], stdio{})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	message, err := io.ReadAll(os.Stdin)
	if err != nil {
		os.Exit(1)
	}
	signature, err := crypto.SignMessage(key, nil, message, crypto.SHA384)
	if err != nil {
		os.Exit(1)
	}
	if len(os.Args) > 2 {
		signature = []byte("garbage")
	}
	os.Stdout.Write(signature)
}
