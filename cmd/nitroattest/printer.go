package main

import (
	"bytes"
	"encoding/json"
	"fmt"

	"github.com/nitroattest/nitroattest/attestation"
)

// printer writes outcomes as they come and remembers the exit status.
type printer struct {
	std      stdio
	json     bool
	colour   palette
	progress *progress

	seen, printed                     int
	unread, notAuthentic, refusedOnly bool
}

func newPrinter(std stdio, asJSON bool) *printer {
	return &printer{std: std, json: asJSON, colour: newPalette(std.out), progress: newProgress(std)}
}

func (p *printer) print(o outcome) error {
	p.note(o)
	var out bytes.Buffer
	switch {
	case p.json:
		if err := json.NewEncoder(&out).Encode(o); err != nil {
			return err
		}
	case o.report != nil:
		if p.printed > 0 {
			out.WriteByte('\n')
		}
		writeReport(&out, p.colour, o)
		p.printed++
	}
	text := out.Bytes()
	if p.json {
		text = printableJSON(text)
	}
	if _, err := p.std.out.Write(text); err != nil {
		return fmt.Errorf("standard output: %w", err)
	}
	p.tell(o)
	return nil
}

// tell says on standard error what is wrong with a file, and how many were
// seen.
func (p *printer) tell(o outcome) {
	if err := o.problem(); err != nil {
		p.progress.clear()
		printError(p.std.err, err)
	}
	p.seen++
	p.progress.show("%d documents", p.seen)
}

func (p *printer) note(o outcome) {
	refused := o.refusal()
	switch {
	case o.err != nil:
		p.unread = true
	case refused == nil:
	case refused.Reason.Authentic():
		p.refusedOnly = true
	default:
		p.notAuthentic = true
	}
}

// status returns nil when every document was accepted.
func (p *printer) status() error {
	switch {
	case p.notAuthentic:
		return exitError(exitNotAuthentic)
	case p.unread:
		return exitError(exitUsage)
	case p.refusedOnly:
		return exitError(exitRefused)
	}
	return nil
}

// problem returns what goes to standard error about a file, or nil.
func (o outcome) problem() error {
	if o.err != nil {
		return fmt.Errorf("%s: %w", o.file, o.err)
	}
	refused := o.refusal()
	if refused == nil {
		return nil
	}
	err := fmt.Errorf("%s: %w", o.file, refused)
	if hint := o.hint(); hint != "" {
		return hintf(err, "%s", hint)
	}
	return err
}

// hint says what to do about a refusal, or nothing.
func (o outcome) hint() string {
	if u := o.report.Unverified; u != nil && u.Unsigned {
		return "QEMU's machine nitro-enclave makes such documents; inspect shows what is in it"
	}
	return hints[o.refusal().Reason]
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
