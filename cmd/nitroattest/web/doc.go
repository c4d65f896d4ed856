// Web is the verifier for browsers and Node: WebAssembly, and a package for npm
// and a page around it. `go run ./cmd/nitroattest/web/build DIR` builds all of
// it; README.md says what is in it.
package main
