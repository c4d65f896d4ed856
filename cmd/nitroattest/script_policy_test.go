package main

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/nitroattest/nitroattest/pcr/signedpolicy"
)

// cmdKeyPair writes NAME.pem and NAME.pub: keypair NAME ed25519|p256|p384.
func cmdKeyPair(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: keypair NAME ed25519|p256|p384")
	}
	var key crypto.Signer
	var err error
	switch args[1] {
	case "ed25519":
		_, key, err = ed25519.GenerateKey(rand.Reader)
	case "p256":
		key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	default:
		key, err = ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	}
	ts.Check(err)
	private, err := x509.MarshalPKCS8PrivateKey(key)
	ts.Check(err)
	public, err := x509.MarshalPKIXPublicKey(key.Public())
	ts.Check(err)
	ts.Check(os.WriteFile(ts.MkAbs(args[0]+".pem"), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private}), 0o600))
	ts.Check(os.WriteFile(ts.MkAbs(args[0]+".pub"), pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: public}), 0o600))
}

// signHash is a program for --signer that hashes as the key in its file asks
// for.
func signForKey() {
	data, err := os.ReadFile(os.Args[1])
	exitOn(err)
	key, err := signedpolicy.ParsePrivateKey(data)
	exitOn(err)
	message, err := io.ReadAll(os.Stdin)
	exitOn(err)
	var hash crypto.Hash
	if public, ok := key.Public().(*ecdsa.PublicKey); ok {
		hash = crypto.SHA256
		if public.Curve == elliptic.P384() {
			hash = crypto.SHA384
		}
	}
	signature, err := crypto.SignMessage(key, rand.Reader, message, hash)
	exitOn(err)
	os.Stdout.Write(signature)
}

// fakePlugin stands in for nitroattest-sigstore: it says of the "bundle" on its
// standard input, which is an envelope, what the flags ask for. The real one is
// tested in its own module.
func fakePlugin() {
	data, err := io.ReadAll(os.Stdin)
	exitOn(err)
	var envelope struct{ Payload []byte }
	value := func(flag string) string { return os.Args[slices.Index(os.Args, flag)+1] }
	switch value("--certificate-identity") {
	case "broken":
		fmt.Println("nothing")
		return
	case "misused":
		fmt.Fprintln(os.Stderr, "nitroattest-sigstore: --trusted-root: broken")
		os.Exit(2)
	case "silent":
		fmt.Println("{}")
		return
	case "mallory@example.com":
		fmt.Println(`{"reason": "other-identity", "detail": "found alice"}`)
		os.Exit(1)
	}
	exitOn(json.Unmarshal(data, &envelope))
	fmt.Printf(`{"payload": %q, "signer": {"issuer": %q, "identity": %q, "commit": "0123456789abcdef0123456789abcdef01234567", "repository": "https://github.com/example/enclave", "workflow": "https://github.com/example/enclave/.github/workflows/release.yml@refs/tags/v1.2.0", "signed": ["2026-11-01T12:00:30Z"]}}`+"\n",
		base64.StdEncoding.EncodeToString(envelope.Payload), value("--certificate-oidc-issuer"), value("--certificate-identity"))
}

func exitOn(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, strings.TrimSpace(err.Error()))
		os.Exit(1)
	}
}
