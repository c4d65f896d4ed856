// Command nitroattest-server verifies AWS Nitro attestation documents for other
// programs, over HTTP. It hands out challenges, verifies the documents that
// answer them against named policies, and signs attestation results.
//
//	nitroattest-server --policies policies/
//
// GET /openapi.json describes what it answers, and --help its flags. Exit
// status: 0 after a stop that was asked for; 2 when a flag or a file kept it from
// starting.
package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"runtime/debug"

	"github.com/nitroattest/nitroattest/internal/plain"
)

func main() {
	os.Exit(run(os.Args[1:], os.Stdout, os.Stderr))
}

// Exit statuses.
const (
	exitStopped = 0
	exitUsage   = 2
)

// run executes one command line and returns its exit status.
func run(args []string, stdout, stderr io.Writer) int {
	root := newServe(stderr)
	root.SetArgs(args)
	root.SetOut(stdout)
	root.SetErr(stderr)
	if err := root.Execute(); err != nil {
		printError(stderr, err)
		return exitUsage
	}
	return exitStopped
}

func version() string {
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		return info.Main.Version
	}
	return "(devel)"
}

// hintError is an error with advice.
type hintError struct {
	error
	hint string
}

func (e *hintError) Unwrap() error { return e.error }

func hintf(err error, format string, args ...any) error {
	return &hintError{err, fmt.Sprintf(format, args...)}
}

// printError writes an error and its hint, each on a line of its own.
func printError(w io.Writer, err error) {
	fmt.Fprintf(w, "nitroattest-server: %s\n", plain.Text(err.Error()))
	var hinted *hintError
	if errors.As(err, &hinted) {
		fmt.Fprintf(w, "hint: %s\n", hinted.hint)
	}
}
