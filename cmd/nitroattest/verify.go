package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/spf13/cobra"

	"github.com/nitroattest/nitroattest/attestation"
	"github.com/nitroattest/nitroattest/internal/input"
	"github.com/nitroattest/nitroattest/internal/settings"
)

func newVerify(std stdio) *cobra.Command {
	var flags appraisalFlags
	var style style
	var filesFrom string
	cmd := &cobra.Command{
		Use:   "verify [flags] FILE...",
		Short: "Verify documents against a policy",
		Long: `Verify says of each document whether a genuine Nitro hypervisor signed it, and
whether it is fresh, matches the policy and holds the expected fields.

FILE is raw, base64, base64 of base64, hex, a data URL, what the Nitro Security
Module answered, JSON with a document inside, or JSON Lines with one on each line;
text may be UTF-16. - is standard input; a directory stands for every file below it. Many files are verified on all cores; the results come in the
order of the files.

Of one document everything is printed, of several one line each and their number;
--verbose prints everything of each, --quiet nothing. What is wrong goes to
standard error in any case.

Put -- before names that you did not choose, those a * stands for: a file may be
called --insecure-allow-debug. Or pass a directory or --files-from.

Exit status: 0 all accepted; 1 some document is not authentic; 2 misuse or
something could not be read; 3 authentic, but refused by policy, freshness or
binding.`,
		Example: `  nitroattest verify --policy policy.json --nonce 6e6f6e6365 document.cbor
  nitroattest verify --pcr 0=<hex> --max-age 5m document.b64
  nitroattest verify --eif enclave.eif --nonce 6e6f6e6365 document.cbor
  nitroattest verify --insecure-any-image --recorded --json -- *.cbor`,
		RunE: func(_ *cobra.Command, args []string) error {
			return verify(std, &flags, args, filesFrom, style)
		},
	}
	flags.register(cmd)
	cmd.Flags().StringVar(&filesFrom, "files-from", "", "read the names of files from `LIST`, one a line; - for standard input")
	cmd.Flags().BoolVar(&style.json, "json", false, "print one JSON object for each document")
	cmd.Flags().BoolVarP(&style.verbose, "verbose", "v", false, "print everything about each of several documents")
	cmd.Flags().BoolVarP(&style.quiet, "quiet", "q", false, "print nothing but what is wrong; the exit status says the rest")
	return cmd
}

func verify(std stdio, flags *appraisalFlags, args []string, filesFrom string, style style) error {
	if err := style.check(); err != nil {
		return err
	}
	p := newPrinter(std, style)
	_, err := appraiseAll(std, flags, args, filesFrom, p.print)
	if err := errors.Join(p.finish(), err); err != nil {
		return err
	}
	return p.status()
}

// appraiseAll appraises every file by the flags and hands what comes of each
// to done, in their order. It returns what was asked of each.
func appraiseAll(std stdio, flags *appraisalFlags, args []string, filesFrom string, done func(outcome) error) ([]settings.Criterion, error) {
	hasList := flags.changed("files-from")
	if !hasList {
		if err := needFiles(nil, args); err != nil {
			return nil, err
		}
	}
	if err := checkStdin(args, append(flags.files(), filesFrom)); err != nil {
		return nil, err
	}
	demands, err := flags.appraisal(std)
	if err != nil {
		return nil, err
	}
	verifier, expect, err := demands.Verifier()
	if err != nil {
		return nil, err
	}
	var list io.Reader
	if hasList {
		file, err := openList(filesFrom, std)
		if err != nil {
			return nil, err
		}
		defer file.Close()
		list = file
	}
	work := func(name string) []outcome {
		outcomes := appraise(verifier, expect, name, std)
		for i := range outcomes {
			outcomes[i].voucher = demands.Origin.Voucher
		}
		return outcomes
	}
	seen := 0
	err = inOrder(files(args, list), work, func(o outcome) error { seen++; return done(o) })
	if err == nil && seen == 0 {
		err = errors.New("--files-from: found no file in the list, expected at least one")
	}
	return demands.Criteria(), err
}

// checkStdin refuses to read standard input for two things.
func checkStdin(args, others []string) error {
	readers := 0
	for _, name := range append(slices.Clone(args), others...) {
		if name == "-" {
			readers++
		}
	}
	if readers > 1 {
		return fmt.Errorf("found - %d times, expected standard input to be read once", readers)
	}
	return nil
}

func needFiles(_ *cobra.Command, files []string) error {
	if len(files) == 0 {
		return hintf(errors.New("no FILE given"), "- reads standard input")
	}
	return nil
}

// outcome is what came of one file: a report, or an error that kept the file
// from being read.
type outcome struct {
	file     string
	voucher  *settings.Voucher // of the policy, when it is signed
	evidence []byte
	report   *attestation.Report
	err      error
}

// appraise appraises the documents in a file.
func appraise(verifier *attestation.Verifier, expect attestation.Expect, file string, std stdio) []outcome {
	var outcomes []outcome
	for _, d := range input.ReadDocuments(file, std.in) {
		o := outcome{file: d.Name, evidence: d.Evidence, err: d.Err}
		if d.Err == nil {
			o.report = verifier.Appraise(d.Evidence, expect)
			if _, err := o.report.Result(); err != nil && o.refusal() == nil {
				o = outcome{file: d.Name, err: err} // a mistake in expect: nothing was appraised
			}
		}
		outcomes = append(outcomes, o)
	}
	return outcomes
}

// refusal returns why a document that could be read was not accepted.
func (o outcome) refusal() *attestation.Error {
	var refused *attestation.Error
	if o.report != nil {
		_, err := o.report.Result()
		errors.As(err, &refused)
	}
	return refused
}

// MarshalJSON adds the file's name and who vouches for the policy to the keys of
// the report. A file that could not be read has the same keys.
func (o outcome) MarshalJSON() ([]byte, error) {
	r := o.report
	if r == nil {
		r = &attestation.Report{}
	}
	report := r.JSON()
	if o.err != nil {
		report.Detail = o.err.Error()
	}
	return json.Marshal(struct {
		File   string            `json:"file"`
		Policy *settings.Voucher `json:"policy,omitempty"`
		attestation.ReportJSON
	}{o.file, o.voucher, report})
}
