//go:build !unix

package main

import "github.com/rogpeppe/go-internal/testscript"

// cmdFIFO is for systems that have no pipes with names.
func cmdFIFO(ts *testscript.TestScript, _ bool, _ []string) {
	ts.Fatalf("this system has no pipes with names")
}
