package challenge_test

import (
	"context"
	"errors"
	"fmt"
	"log"

	"github.com/nitroattest/nitroattest/attestation"
	"github.com/nitroattest/nitroattest/attestation/attestationtest"
	"github.com/nitroattest/nitroattest/attestation/challenge"
	"github.com/nitroattest/nitroattest/pcr"
)

// A service of one process makes one issuer at start. A service of several
// replicas gives Keys to all of them and a store that they share, package
// redisstore for example.
func Example() {
	memory, err := challenge.NewMemory(100_000)
	if err != nil {
		log.Fatal(err)
	}
	issuer, err := challenge.New(challenge.Config{Store: memory})
	if err != nil {
		log.Fatal(err)
	}

	session := []byte("session 42")
	nonce, err := issuer.Issue(session)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(len(nonce), "bytes,", len(nonce.String()), "characters")

	ctx := context.Background()
	fmt.Println("another session:", errors.Is(issuer.Redeem(ctx, nonce, []byte("session 43")), challenge.Unknown))
	fmt.Println("once:", issuer.Redeem(ctx, nonce, session))
	fmt.Println("twice:", errors.Is(issuer.Redeem(ctx, nonce, session), challenge.AlreadyRedeemed))
	// Output:
	// 57 bytes, 76 characters
	// another session: true
	// once: <nil>
	// twice: true
}

// The whole exchange, with a simulated enclave. In a service, the nonce goes out
// in one answer, and nonce and document come back in the next request.
func ExampleIssuer_Verify() {
	enclave := attestationtest.NewHypervisor()
	verifier, err := attestation.NewVerifier(attestation.Config{
		Policy: pcr.Policy{Images: []pcr.Image{enclave.Enclave().Image()}},
		Roots:  enclave.Roots(), // leave out to trust AWS's root and no other
	})
	if err != nil {
		log.Fatal(err)
	}
	memory, err := challenge.NewMemory(100_000)
	if err != nil {
		log.Fatal(err)
	}
	issuer, err := challenge.New(challenge.Config{Store: memory})
	if err != nil {
		log.Fatal(err)
	}

	session := []byte("session 42")
	nonce, err := issuer.Issue(session)
	if err != nil {
		log.Fatal(err)
	}
	text := nonce.String() // to the client and back

	nonce, err = challenge.ParseNonce(text)
	if err != nil {
		log.Fatal(err)
	}
	response := challenge.Response{Nonce: nonce, Context: session}

	// A document that was made for another challenge leaves the nonce alone.
	response.Evidence = enclave.Attest(attestationtest.Request{Nonce: []byte("another one")})
	_, err = issuer.Verify(context.Background(), verifier, response, attestation.Expect{})
	fmt.Println("another one:", errors.Is(err, attestation.NonceMismatch))

	response.Evidence = enclave.Attest(attestationtest.Request{Nonce: nonce})
	result, err := issuer.Verify(context.Background(), verifier, response, attestation.Expect{})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("first time: the nonce is in the document:", string(result.Document.Nonce) == string(nonce))

	_, err = issuer.Verify(context.Background(), verifier, response, attestation.Expect{})
	fmt.Println("again:", errors.Is(err, challenge.AlreadyRedeemed))
	// Output:
	// another one: true
	// first time: the nonce is in the document: true
	// again: true
}
