package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/nitroattest/nitroattest/attestation"
	"github.com/nitroattest/nitroattest/internal/settings"
)

// style is how much is printed of each document.
type style struct {
	json    bool // one JSON object for each
	verbose bool // everything, also of several
	quiet   bool // nothing; what is wrong is told on standard error
}

func (s style) check() error {
	switch {
	case s.quiet && s.json:
		return errors.New("--quiet: given beside --json, expected one of them")
	case s.quiet && s.verbose:
		return errors.New("--quiet: given beside --verbose, expected one of them")
	case s.json && s.verbose:
		return errors.New("--verbose: given beside --json, which says everything")
	}
	return nil
}

// printer writes outcomes as they come and remembers the exit status. One
// document is shown in full; of several each has one line, and a last line
// counts them.
type printer struct {
	std      stdio
	style    style
	colour   palette
	progress *progress

	first   *outcome // held back until it is clear whether it is the only one
	counts  counts
	voucher *settings.Voucher // of the policy, when it is signed
	problem problems
}

// counts are how many documents came to what.
type counts struct{ accepted, refused, notAuthentic, notRead int }

func (c counts) all() int { return c.accepted + c.refused + c.notAuthentic + c.notRead }

// String returns "4 documents: 2 accepted, 1 refused, 1 not read".
func (c counts) String() string {
	parts := []string{fmt.Sprintf("%d accepted", c.accepted)}
	for _, part := range []struct {
		n    int
		what string
	}{{c.refused, "refused"}, {c.notAuthentic, "not authentic"}, {c.notRead, "not read"}} {
		if part.n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", part.n, part.what))
		}
	}
	return fmt.Sprintf("%d documents: %s", c.all(), strings.Join(parts, ", "))
}

func newPrinter(std stdio, style style) *printer {
	return &printer{std: std, style: style, colour: newPalette(std.out), progress: newProgress(std), problem: problems{std: std}}
}

func (p *printer) print(o outcome) error {
	p.note(o)
	p.voucher = o.voucher
	var out bytes.Buffer
	switch n := p.counts.all(); {
	case p.style.quiet:
	case p.style.json:
		if err := json.NewEncoder(&out).Encode(o); err != nil {
			return err
		}
	case p.style.verbose:
		return p.printReport(o, n, false)
	case n == 1:
		p.first = &o
		return nil
	default:
		if p.first != nil {
			writeOutcome(&out, p.colour, *p.first)
			p.tell(*p.first, true)
			p.first = nil
		}
		writeOutcome(&out, p.colour, o)
	}
	text := out.Bytes()
	if p.style.json {
		text = printableJSON(text)
	}
	if err := printOut(p.std.out, text); err != nil {
		return err
	}
	p.tell(o, true)
	return nil
}

// printReport shows all there is to know about a document.
// n is its number, from 1, and alone whether it is the only one.
func (p *printer) printReport(o outcome, n int, alone bool) error {
	var out bytes.Buffer
	if o.report != nil {
		if n > 1 {
			out.WriteByte('\n')
		}
		writeReport(&out, p.colour, o, alone)
	}
	if err := printOut(p.std.out, out.Bytes()); err != nil {
		return err
	}
	p.tell(o, o.report == nil)
	return nil
}

// finish is called after the last outcome.
func (p *printer) finish() error {
	p.progress.clear()
	defer p.problem.finish()
	if p.first != nil {
		return p.printReport(*p.first, 1, true)
	}
	if p.counts.all() < 2 || p.style.quiet || p.style.json {
		return nil
	}
	separator := ""
	if p.style.verbose {
		separator = "\n"
	}
	out := bytes.NewBufferString(separator + p.counts.String() + "\n")
	if p.voucher != nil {
		line(out, "policy", p.voucher.Summary())
	}
	return printOut(p.std.out, out.Bytes())
}

// tell says on standard error what is wrong with a file, and how many were
// seen. What standard output has said in full is not said again.
func (p *printer) tell(o outcome, full bool) {
	if err := o.problem(); err != nil {
		p.progress.clear()
		if !full {
			err = fmt.Errorf("%s: %w", o.file, o.refusal().Reason)
		}
		p.problem.tell(o, err)
	}
	p.progress.show("%d documents", p.counts.all())
}

func (p *printer) note(o outcome) {
	refused := o.refusal()
	switch {
	case o.err != nil:
		p.counts.notRead++
	case refused == nil:
		p.counts.accepted++
	case refused.Reason.Authentic():
		p.counts.refused++
	default:
		p.counts.notAuthentic++
	}
}

// status returns nil when every document was accepted.
func (p *printer) status() error {
	switch {
	case p.counts.notAuthentic > 0:
		return exitError(exitNotAuthentic)
	case p.counts.notRead > 0:
		return exitError(exitUsage)
	case p.counts.refused > 0:
		return exitError(exitRefused)
	}
	return nil
}

// problem returns what goes to standard error about a file, or nil.
func (o outcome) problem() error {
	if o.err != nil {
		return fmt.Errorf("%s: %w", o.file, o.err)
	}
	if refused := o.refusal(); refused != nil {
		return fmt.Errorf("%s: %w", o.file, refused)
	}
	return nil
}

// problems tells what is wrong with files, each long reason once, and at the end
// each hint once.
type problems struct {
	std   stdio
	told  map[string]string // the file that a reason was told of
	hints []string          // in the order of their first file
	fits  map[string]int    // how many files a hint is for
}

const (
	longReason  = 80   // characters
	mostReasons = 1000 // that are remembered
)

func (p *problems) tell(o outcome, err error) {
	if hint := o.hint(); hint != "" {
		if p.fits[hint] == 0 {
			p.hints = append(p.hints, hint)
		}
		if p.fits == nil {
			p.fits = map[string]int{}
		}
		p.fits[hint]++
	}
	if refused := o.refusal(); refused != nil {
		text := strings.TrimPrefix(err.Error(), o.file+": ")
		if first, ok := p.told[text]; ok {
			err = fmt.Errorf("%s: %w, for the same as %s", o.file, refused.Reason, first)
		} else if len(text) > longReason && len(p.told) < mostReasons {
			if p.told == nil {
				p.told = map[string]string{}
			}
			p.told[text] = o.file
		}
	}
	printError(p.std.err, err)
}

func (p *problems) finish() {
	for _, hint := range p.hints {
		if n := p.fits[hint]; n > 1 {
			fmt.Fprintf(p.std.err, "hint, for %d documents: %s\n", n, hint)
		} else {
			fmt.Fprintf(p.std.err, "hint: %s\n", hint)
		}
	}
}

// hint says what to do about a refusal, or nothing.
func (o outcome) hint() string {
	refused := o.refusal()
	if refused == nil {
		return ""
	}
	if u := o.report.Unverified; u != nil && u.Unsigned {
		return "QEMU's machine nitro-enclave makes such documents; inspect shows what is in it"
	}
	// --kind helps only where the document is whole and of the other kind.
	if u := o.report.Unverified; refused.Reason == attestation.WrongDocumentKind && (u == nil || !u.Document.HasKnownModuleID()) {
		return ""
	}
	return hints[refused.Reason]
}

var hints = map[attestation.Reason]string{
	attestation.MalformedEvidence:      "FILE is a COSE_Sign1 as the Nitro Security Module returns it: raw, base64, hex, or JSON with it inside",
	attestation.WrongDocumentKind:      "documents of enclaves and of NitroTPM instances come from the same root; --kind says which one you asked for",
	attestation.UntrustedRoot:          "without flags only AWS's commercial root is trusted; --partition names that of another partition, --root PEM one of your own",
	attestation.CertificateExpired:     "the leaf certificate of a document lasts three hours; to appraise a recorded document as of its own timestamp use --recorded",
	attestation.CertificateNotYetValid: "is the clock of this machine right? to appraise a recorded document as of its own timestamp use --recorded",
	attestation.DebugMode:              "an enclave in debug mode keeps no secret from its parent instance; --insecure-allow-debug accepts it all the same, for development",
	attestation.Stale:                  "ask the enclave for a new document, or allow more with --max-age",
	attestation.NonceMismatch:          "the document is the answer to another challenge, or a replay",
	attestation.TimestampOutOfRange:    "is the clock of this machine right?",
}
