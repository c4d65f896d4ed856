package main

import (
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/nitroattest/nitroattest/internal/settings"
)

// stdio is what a command reads and writes.
type stdio struct {
	in       io.Reader
	out, err io.Writer
}

// Exit statuses. Where several apply to the documents of one call, the first
// of notAuthentic, usage and refused is taken.
const (
	exitAccepted     = 0
	exitNotAuthentic = 1
	exitUsage        = 2
	exitRefused      = 3
)

// exitError carries a status whose reasons have been printed already.
type exitError int

func (e exitError) Error() string { return fmt.Sprintf("exit status %d", int(e)) }

// run executes one command line and returns its exit status.
func run(args []string, std stdio) int {
	std.in = &onlyOnce{Reader: std.in}
	root := newRoot(std)
	root.SetArgs(args)
	err := root.Execute()
	var status exitError
	switch {
	case err == nil:
		return exitAccepted
	case errors.As(err, &status):
		return int(status)
	default:
		printError(std.err, err)
		return exitUsage
	}
}

func newRoot(std stdio) *cobra.Command {
	root := &cobra.Command{
		Use:           "nitroattest",
		Short:         "Verify AWS Nitro attestation documents",
		Version:       version(),
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          needCommand,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return hintf(errors.New("no command given"), "nitroattest --help lists the commands")
		},
	}
	root.SetFlagErrorFunc(explainFlag)
	root.SetIn(std.in)
	root.SetOut(std.out)
	root.SetErr(std.err)
	root.AddCommand(newVerify(std), newInspect(std), newMeasure(std), newBuild(std), newDiff(std), newPCR(std), newPolicy(std), newReport(std), newVersion(std), newMan(std), newServe())
	root.AddCommand(newSimulate(std))
	if err := completeValues(root); err != nil {
		panic(err) // a flag has two lists of values
	}
	return root
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

// printWarning writes what a user should know about a file that was taken.
func printWarning(w io.Writer, text string) {
	fmt.Fprintf(w, "nitroattest: warning: %s\n", printable(text))
}

// printError writes an error and its hint, each on a line of its own, and of
// several errors each.
func printError(w io.Writer, err error) {
	var mistakes settings.Mistakes
	if errors.As(err, &mistakes) {
		for _, m := range mistakes {
			printError(w, m)
		}
		return
	}
	var several listed
	if errors.As(err, &several) {
		for _, one := range several {
			printError(w, one)
		}
		return
	}
	fmt.Fprintf(w, "nitroattest: %s\n", printable(err.Error()))
	var hinted *hintError
	var m *settings.Mistake
	switch {
	case errors.As(err, &hinted):
		fmt.Fprintf(w, "hint: %s\n", hinted.hint)
	case errors.As(err, &m) && m.Hint != "":
		fmt.Fprintf(w, "hint: %s\n", m.Hint)
	}
}
