package attestationtest

import (
	"slices"

	"github.com/nitroattest/nitroattest/attestation"
)

// Mutation is one change to a document, and what it must lead to. Everything
// that the change touches is signed anew, so that nothing but the check it is
// named for can tell.
type Mutation struct {
	Name    string             // lower-case words with hyphens; unique
	Topic   Topic              // what the change is about
	Reason  attestation.Reason // why a verifier refuses; empty: it must accept
	Comment string             // what is changed, and why it matters

	// NitroTPM: what is changed is the document of a NitroTPM, and the
	// verifier asks for one.
	NitroTPM bool

	// TrustsRoot: the verifier trusts the root of the changed document and not
	// the hypervisor's own.
	TrustsRoot bool

	// Arrange changes what is asked for, and so what both the document and
	// the verifier start from; nil: nothing.
	Arrange func(*Case)

	// Apply makes the change.
	Apply func(*Blueprint)
}

// Mutations returns every change that a verifier must refuse, sorted by
// topic. Checks that no document can violate have none: they
// are about how a verifier is set up.
func Mutations() []Mutation {
	all := slices.Concat(
		inputMutations(),
		protectedMutations(),
		unprotectedMutations(),
		partMutations(),
		itemMutations(),
		keyMutations(),
		lengthMutations(),
		unknownKeyMutations(),
		mandatoryMutations(),
		valueMutations(),
		optionalMutations(),
		registerMutations(),
		bundleMutations(),
		kindMutations(),
		rootMutations(),
		orderMutations(),
		algorithmMutations(),
		encodingMutations(),
		derMutations(),
		issuerMutations(),
		validityMutations(),
		constraintMutations(),
		usageMutations(),
		subjectMutations(),
		signatureMutations(),
		timestampMutations(),
		nonceMutations(),
		measurementMutations(),
		bindingMutations(),
		exchangeMutations(),
	)
	slices.SortStableFunc(all, func(a, b Mutation) int { return a.Topic.place() - b.Topic.place() })
	return all
}

// at names a mutation for each of the levels it is made at.
func at(levels []Level, mutation func(Level) Mutation) []Mutation {
	var out []Mutation
	for _, level := range levels {
		m := mutation(level)
		m.Name += "-" + level.String()
		out = append(out, m)
	}
	return out
}

var (
	authorities = []Level{LevelRegional, LevelZonal, LevelInstance}
	belowRoot   = []Level{LevelRegional, LevelZonal, LevelInstance, LevelLeaf}
)
