// Conformance grades a verifier of Nitro attestation documents, written in any
// language, by the cases of testdata/vectors:
//
//	go run ./internal/conformance [FLAGS] -- PROGRAM [ARGS]
//
// It prints a table by flag, what was judged wrongly, and one line that sums it
// up. testdata/vectors/README.md says what the program reads and writes.
//
// Exit status, which go run turns into 1 where it is not 0: 0 every case was
// judged, and none wrongly; 1 a case was judged wrongly; 2 misuse, or the
// program broke the protocol; 3 none was judged wrongly, but some were not
// judged.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/signal"

	"github.com/nitroattest/nitroattest/internal/conformance/kit"
	"github.com/nitroattest/nitroattest/internal/vectors"
)

const (
	exitWrong      = 1
	exitTrouble    = 2
	exitIncomplete = 3
)

func main() {
	path := flag.String("vectors", "testdata/vectors/vectors.json", "the `FILE` of the cases")
	asJSON := flag.Bool("json", false, "print the report as JSON")
	all := flag.Bool("all", false, "list every case that was judged wrongly or not at all, not the first 20")
	flag.Usage = func() {
		fmt.Fprintln(flag.CommandLine.Output(), "usage: go run ./internal/conformance [FLAGS] -- PROGRAM [ARGS]")
		flag.PrintDefaults()
	}
	flag.Parse()
	if flag.NArg() == 0 {
		flag.Usage()
		os.Exit(exitTrouble)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	report, err := grade(ctx, *path, flag.Args())
	if err == nil {
		err = write(report, *asJSON, *all)
	}
	switch {
	case err != nil:
		fmt.Fprintln(os.Stderr, "conformance:", err)
		os.Exit(exitTrouble)
	case report.Total.Wrong() > 0:
		os.Exit(exitWrong)
	case !report.Conforms():
		os.Exit(exitIncomplete)
	}
}

func grade(ctx context.Context, path string, program []string) (*kit.Report, error) {
	f, err := vectors.Read(path)
	if err != nil {
		return nil, err
	}
	verdicts, err := kit.Run(ctx, program, kit.Cases(f), os.Stderr)
	if err != nil {
		return nil, err
	}
	return kit.GradeAll(f, verdicts), nil
}

func write(r *kit.Report, asJSON, all bool) error {
	if asJSON {
		e := json.NewEncoder(os.Stdout)
		e.SetIndent("", "  ")
		return e.Encode(r)
	}
	most := 20
	if all {
		most = 0
	}
	return r.WriteTable(os.Stdout, most)
}
