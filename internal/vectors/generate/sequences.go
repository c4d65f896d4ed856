package main

import (
	"time"

	"github.com/nitroattest/nitroattest/attestation"
	"github.com/nitroattest/nitroattest/attestation/attestationtest"
	"github.com/nitroattest/nitroattest/internal/vectors"
)

// unlimited expects nothing of the age, so that time alone shows.
func unlimited(c *attestationtest.Case) { c.MaxAge = 0 }

func sequence(comment string, tests ...vectors.Test) vectors.Group {
	return vectors.Group{Type: vectors.Sequence, Comment: comment, Tests: tests}
}

// step makes one test of a sequence.
func step(test vectors.Test, name, flag, comment string, at time.Time, reason attestation.Reason) vectors.Test {
	test.Name, test.Comment, test.Flags, test.Time = name, comment, []string{flag}, stamp(at)
	if reason != "" {
		test.Result, test.Reason, test.Image = vectors.Invalid, string(reason), ""
	}
	return test
}

// variation returns the mutation with a name.
func named(name string) attestationtest.Mutation {
	for _, m := range append(attestationtest.Mutations(), attestationtest.Variations()...) {
		if m.Name == name {
			return m
		}
	}
	return attestationtest.Mutation{}
}

// expiringChain judges one document at several times.
func expiringChain(h *attestationtest.Hypervisor) vectors.Group {
	var ends [5]time.Time
	c := h.Case(attestationtest.Mutation{Arrange: unlimited, Apply: func(b *attestationtest.Blueprint) {
		for level, certificate := range b.Chain {
			ends[level] = certificate.NotAfter
		}
	}})
	test := testOf(c)
	const cached, clock = "CachedChain", "Clock"
	return sequence("One verifier and one document, which is genuine, at several times. Nothing that was found good before, and no time that was read before, may stand in for checking again.",
		step(test, "cached-good", cached, "the document while it is good", judged, ""),
		step(test, "cached-leaf-last-second", cached, "the last second of the leaf", ends[leaf], ""),
		step(test, "cached-leaf-expired", cached, "a second later", ends[leaf].Add(time.Second), attestation.CertificateExpired),
		step(test, "cached-instance-expired", cached, "the instance certificate has expired too", ends[instance].Add(time.Second), attestation.CertificateExpired),
		step(test, "cached-back-in-time", clock, "the clock was set right, and the document is good again", judged, ""),
		step(test, "cached-not-yet-valid", cached, "the clock is five hours slow, and the leaf not yet valid", judged.Add(-5*time.Hour), attestation.CertificateNotYetValid),
	)
}

// malleableSignatures judges two encodings of one attestation.
func malleableSignatures(h *attestationtest.Hypervisor) vectors.Group {
	twin := named("accept-other-signature")
	c := h.Case(twin)
	original, other := testOf(c), testOf(c)
	original.Evidence = c.Original
	broken := testOf(h.Case(named("signature-last-bit")))
	const flag = "NoIdentityOfBytes"
	return sequence("One verifier and one attestation in two encodings, of which the second is made of the first without any key: both are the same attestation. Who detects replays by the bytes of the document or of its signature is deceived.",
		step(original, "malleable-original", flag, "the document as it was signed", judged, ""),
		step(other, "malleable-twin", flag, "the same with the other of the two signatures that verify", judged, ""),
		step(broken, "malleable-broken", flag, "the same with a signature that does not verify, which must not profit from the others", judged, attestation.BadSignature),
		step(original, "malleable-again", flag, "the original again: refusing replays is for nonces, not for verifiers", judged, ""),
	)
}

// poisoningChains judges documents whose chains resemble one that was accepted.
func poisoningChains(h *attestationtest.Hypervisor) vectors.Group {
	const flag = "CachedChain"
	good := testOf(h.Case(attestationtest.Mutation{}))
	tests := []vectors.Test{step(good, "remembered-good", flag, "a genuine document, whose chain may be remembered from here on", judged, "")}
	for _, name := range []string{
		"chain-foreign-signature-leaf", "chain-signature-bit-instance", "chain-changed-after-signing-zonal", "chain-grandparent-signature-leaf",
		"bundle-lacks-instance", "bundle-repeats-zonal", "bundle-zonal-instance-swapped", "leaf-name-other-enclave", "root-look-alike",
	} {
		m := named(name)
		c := h.Case(m)
		tests = append(tests, step(testOf(c), "remembered-"+name, flag, "after the genuine one: "+m.Comment, judged, m.Reason))
	}
	tests = append(tests, step(good, "remembered-again", flag, "the genuine document again", judged, ""))
	return sequence("One verifier, a genuine document, and documents whose chains share most of its certificates.", tests...)
}
