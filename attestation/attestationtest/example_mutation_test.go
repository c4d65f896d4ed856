package attestationtest_test

import (
	"errors"
	"fmt"

	"github.com/nitroattest/nitroattest/attestation"
	"github.com/nitroattest/nitroattest/attestation/attestationtest"
)

// Mutations try every check of a verifier. Theirs is the certainty that a
// document that differs in one thing is refused for that thing.
func ExampleHypervisor_Case() {
	h := attestationtest.NewHypervisor()
	refused := 0
	for _, m := range attestationtest.Mutations() {
		if m.Topic != attestationtest.TopicFreshness {
			continue
		}
		c := h.Case(m)
		verifier, err := attestation.NewVerifier(c.Config())
		if err != nil {
			fmt.Println(err)
			return
		}
		if _, err := verifier.Verify(c.Document, c.Expect()); !errors.Is(err, m.Reason) {
			fmt.Printf("%s: found %v, expected %s\n", m.Name, err, m.Reason)
			continue
		}
		refused++
	}
	fmt.Println(refused > 0)
	// Output: true
}
