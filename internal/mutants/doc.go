// Mutants changes one thing at a time in a package, runs the package's own tests,
// and says which changes no test notices.
//
//	go run ./internal/mutants [-every N [-from K]] [-only TEXT] [-list] DIR...
//
// DIR is the directory of a package in this module, certs for example. A mutant
// is a comparison turned round or moved by one, a condition that is always true
// or never, one side of && or || left out, or a number that is one more. What a
// function returns beside an error is left alone. The tree is not changed: each mutant is an overlay of go test. The tests that -short
// leaves out run only for what the others let live.
//
// A mutant that lives is a check without a test, or a change that changes
// nothing. The file equivalent.txt beside this one gives the reason for each of
// the latter:
//
//	certs/cache.go newCache: size == 0 -> size != 0: because nothing depends on it
//
// The program fails for a mutant that lives without a reason, and for a reason
// whose mutant is not there or dies. The test of this package fails, too, for a
// reason whose mutant is not there.
//
// All of them take a night: one of so many is a sample, and -from begins another.
// -only tries those whose name has a text in it, one that lived yesterday for example.
package main
