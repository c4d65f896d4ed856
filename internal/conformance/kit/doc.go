// Package kit grades a verifier of any language by the cases of
// testdata/vectors.
//
// The verifier is a program that reads cases from standard input, one JSON
// object a line, and writes verdicts to standard output in the same way.
// testdata/vectors/README.md specifies both, under "The conformance kit". The
// program is never told what the right verdict is, nor the name of a case.
package kit
