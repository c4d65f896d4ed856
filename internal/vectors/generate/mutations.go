package main

import (
	"github.com/nitroattest/nitroattest/attestation/attestationtest"
	"github.com/nitroattest/nitroattest/internal/vectors"
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
	return group, nil
}

// testOf is a valid test of a case's document, without flags.
func testOf(c attestationtest.Case) vectors.Test {
	config := &vectors.Config{Kind: "enclave", Root: simulatedRoot, Policy: enclavePolicy}
	if c.Mutation.NitroTPM {
		config.Kind, config.Policy = "nitrotpm", nitroTPMPolicy
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
