package crlfetch_test

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log"
	"math/big"
	"net/http"
	"strings"
	"time"

	"github.com/nitroattest/nitroattest/attestation"
	"github.com/nitroattest/nitroattest/attestation/attestationtest"
	"github.com/nitroattest/nitroattest/certs"
	"github.com/nitroattest/nitroattest/certs/crlfetch"
)

// A service that fails closed begins without lists, and fetches those that the
// first chain names when their absence is what refuses it.
func ExampleUpdater_Update() {
	h := attestationtest.NewHypervisor()
	evidence := h.Attest(attestationtest.Request{})

	revocations, err := certs.NewRevocations(certs.RevocationConfig{Unknown: certs.RefuseUnknown})
	if err != nil {
		log.Fatal(err)
	}
	verifier, err := attestation.NewVerifier(attestation.Config{
		InsecureAnyImage: true, // a real service has a policy
		Roots:            h.Roots(),
		Revocations:      revocations,
	})
	if err != nil {
		log.Fatal(err)
	}
	updater, err := crlfetch.New(crlfetch.Config{
		Revocations: revocations,
		Roots:       h.Roots(),                             // without it, AWS's
		Hosts:       simulatedHosts,                        // without it, AWS's
		Client:      &http.Client{Transport: authority(h)}, // for AWS's, new(http.Client) will do
	})
	if err != nil {
		log.Fatal(err)
	}
	ctx := context.Background()
	// go updater.Run(ctx)

	expect := attestation.Expect{MaxAge: time.Minute}
	parsed, err := verifier.Parse(evidence)
	if err != nil {
		log.Fatal(err)
	}
	_, err = verifier.VerifyParsed(parsed, expect)
	fmt.Println("first:", errors.Is(err, certs.RevocationUnknown))
	if errors.Is(err, certs.RevocationUnknown) {
		u := parsed.Unverified()
		chain := certs.Chain{Bundle: u.CABundle, Leaf: u.Certificate, ModuleID: u.Document.ModuleID}
		if err := updater.Update(ctx, chain, time.Now()); err != nil {
			log.Print(err)
		}
	}
	_, err = verifier.VerifyParsed(parsed, expect)
	fmt.Println("then:", err)
	// Output:
	// first: true
	// then: <nil>
}

// authority answers every request as AWS would, with a list on which nothing is
// revoked: that of the root or that of the regional authority.
func authority(h *attestationtest.Hypervisor) http.RoundTripper {
	return roundTripper(func(request *http.Request) (*http.Response, error) {
		level := attestationtest.LevelRoot
		if strings.HasPrefix(request.URL.Host, "crl-") {
			level = attestationtest.LevelRegional
		}
		list, err := h.Blueprint(attestationtest.Request{}).Chain[level].SignRevocationList(&x509.RevocationList{
			Number: big.NewInt(1), ThisUpdate: time.Now(), NextUpdate: time.Now().AddDate(0, 0, 7),
		})
		if err != nil {
			return nil, err
		}
		return &http.Response{StatusCode: http.StatusOK, Body: io.NopCloser(strings.NewReader(string(list)))}, nil
	})
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(request *http.Request) (*http.Response, error) { return f(request) }
