package main

import (
	"bytes"
	"errors"
	"time"

	"github.com/spf13/cobra"

	"github.com/nitroattest/nitroattest/internal/page"
)

func newReport(std stdio) *cobra.Command {
	var flags appraisalFlags
	var filesFrom, output string
	cmd := &cobra.Command{
		Use:   "report [flags] FILE... -o report.html",
		Short: "Verify documents and write a report in HTML",
		Long: `Report verifies documents as verify does, with the same flags, and writes one
HTML file with the verdicts, every check and its reason, how registers differ,
the certificates and the fields. The file stands alone: it loads nothing, holds
no script, and can be mailed, printed and kept.

-o FILE is replaced as a whole once all documents are appraised. Without it the
report goes to standard output, unless that is a terminal. Problems go to
standard error, and the exit status is that of verify; a report is written in
each case but misuse.`,
		Example: `  nitroattest report --policy policy.json --recorded -o report.html -- *.cbor`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if !cmd.Flags().Changed("output") && isTerminal(std.out) {
				return hintf(errors.New("a report is HTML, which is not for a terminal"), "name a file with -o, or redirect standard output")
			}
			return report(std, &flags, args, filesFrom, output)
		},
	}
	flags.register(cmd)
	cmd.Flags().StringVar(&filesFrom, "files-from", "", "read the names of files from `LIST`, one a line; - for standard input")
	cmd.Flags().StringVarP(&output, "output", "o", "", "write the report to `FILE`")
	return cmd
}

func report(std stdio, flags *appraisalFlags, args []string, filesFrom, output string) error {
	r := page.Report{Version: version(), Time: time.Now()}
	p := newPrinter(std, style{})
	criteria, err := appraiseAll(std, flags, args, filesFrom, func(o outcome) error {
		p.note(o)
		p.tell(o, true)
		r.Documents = append(r.Documents, o.page())
		return nil
	})
	p.progress.clear()
	p.problem.finish()
	if err != nil {
		return err
	}
	r.Criteria = criteria
	var out bytes.Buffer
	if err := page.Write(&out, r); err != nil {
		return err
	}
	if flags.changed("output") {
		err = std.writeFile(output, out.Bytes())
	} else {
		err = printOut(std.out, out.Bytes())
	}
	if err != nil {
		return err
	}
	return p.status()
}

func (o outcome) page() page.Document {
	d := page.Document{File: o.file, Evidence: o.evidence, Report: o.report, Err: o.err}
	if o.refusal() != nil {
		d.Hint = o.hint()
	}
	return d
}
