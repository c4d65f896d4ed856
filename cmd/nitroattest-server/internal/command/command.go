// Package command is the command line of nitroattest-server: what its flags mean,
// and how the service is put together from them. It is apart from the main
// function so that the load test runs the same service as everybody else.
package command

import (
	"errors"
	"fmt"
	"io"
	"runtime/debug"

	"github.com/nitroattest/nitroattest/internal/plain"
)

// Exit statuses.
const (
	exitStopped = 0
	exitFailed  = 1 // a service that had started ended otherwise, or a check found it unwell
	exitUsage   = 2 // a flag or a file kept it from starting
)

// Run executes one command line and returns its exit status. Without a Sigstore,
// nil, the flags about bundles are errors.
func Run(args []string, stdout, stderr io.Writer, sigstore Sigstore) int {
	root := newServe(stderr, sigstore)
	root.SetArgs(args)
	root.SetOut(stdout)
	root.SetErr(stderr)
	root.AddCommand(newHealthcheck())
	if err := root.Execute(); err != nil {
		printError(stderr, err)
		var running *runError
		if errors.As(err, &running) || errors.Is(err, errUnwell) {
			return exitFailed
		}
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
