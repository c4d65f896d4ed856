package main

import (
	"fmt"

	"github.com/nitroattest/nitroattest/attestation"
	"github.com/nitroattest/nitroattest/attestation/attestationtest"
	"github.com/nitroattest/nitroattest/internal/vectors"
	"github.com/nitroattest/nitroattest/pcr"
)

// mutations makes a test of every mutation and variation of the simulated
// hypervisor's document.
func mutations(f *vectors.File, h *attestationtest.Hypervisor) (vectors.Group, error) {
	group := vectors.Group{
		Type:    vectors.Documents,
		Comment: "Simulated documents. Each differs from a valid one in what its comment says, and everything else is signed anew, so that only a check of its flag can tell.",
	}
	for _, m := range append(attestationtest.Variations(), attestationtest.Mutations()...) {
		c := h.Case(m)
		test := testOf(c)
		if m.TrustsRoot {
			test.Config.Root = m.Name
			addRoot(f, m.Name, c.Root)
		}
		f.Policies[test.Config.Policy] = policyOf(c.Policy)
		test.Flags = []string{string(m.Topic)}
		if m.Reason != "" {
			test.Result, test.Reason, test.Image = vectors.Invalid, string(m.Reason), ""
			test.Acceptable = isAcceptable(m.Name)
		}
		group.Tests = append(group.Tests, test)
	}
	group.Tests = append(group.Tests,
		forgotten(f, h, "exchange-one-forgotten", "the image needs an expectation of registers 16 and 17 in every exchange, and this one has none of 17, whatever it holds", pcr.Bank{16: {1}, 17: {2}}, 17),
		forgotten(f, h, "exchange-all-forgotten", "the image needs an expectation of register 16 in every exchange, and this one expects no register", pcr.Bank{16: {1}}, 16))
	return group, nil
}

// forgotten is a test of a relying party that does not expect a register which the
// image of its policy needs an expectation of. There is nothing wrong with the
// document.
func forgotten(f *vectors.File, h *attestationtest.Hypervisor, name, comment string, measured pcr.Bank, register int) vectors.Test {
	c := h.Case(attestationtest.Mutation{
		Name: name, Topic: attestationtest.TopicExchangeRegisters, Reason: attestation.RegisterMismatch, Comment: comment,
		Arrange: func(c *attestationtest.Case) { c.PCRs, c.Exchange = measured, measured.Registers() },
	})
	delete(c.PCRs, register)
	if len(c.PCRs) == 0 {
		c.PCRs = nil
	}
	test := testOf(c)
	f.Policies[test.Config.Policy] = policyOf(c.Policy)
	test.Flags = []string{string(c.Mutation.Topic)}
	test.Result, test.Reason, test.Image = vectors.Invalid, string(c.Mutation.Reason), ""
	return test
}

// testOf is a valid test of a case's document, without flags.
func testOf(c attestationtest.Case) vectors.Test {
	config := &vectors.Config{Kind: "enclave", Root: simulatedRoot, Policy: enclavePolicy}
	if c.Mutation.NitroTPM {
		config.Kind, config.Policy = "nitrotpm", nitroTPMPolicy
	}
	for _, register := range c.Exchange {
		config.Policy += fmt.Sprintf("-exchange-%d", register)
	}
	return vectors.Test{
		Name:     c.Mutation.Name,
		Comment:  c.Mutation.Comment,
		Evidence: append([]byte{}, c.Document...), // one is empty, and none missing
		Time:     stamp(c.Now),
		Config:   config,
		Expectation: &vectors.Expectation{
			Nonce:         hexOrNull(c.Nonce),
			MaxAgeSeconds: seconds(c.MaxAge),
			UserData:      hexOrNull(c.UserData),
			PublicKey:     hexOrNull(c.PublicKey),
			NoUserData:    c.NoUserData,
			NoPublicKey:   c.NoPublicKey,
			PCRs:          registersOf(c.PCRs),
		},
		Attacker: attacker(c),
		Result:   vectors.Valid,
		Image:    c.Policy.Images[len(c.Policy.Images)-1].Name,
	}
}
