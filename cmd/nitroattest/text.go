package main

import (
	"bytes"
	"crypto/x509"
	"encoding/hex"
	"fmt"
	"strings"
	"time"

	"github.com/nitroattest/nitroattest/attestation"
	"github.com/nitroattest/nitroattest/internal/settings"
	"github.com/nitroattest/nitroattest/pcr"
)

const timeForm = "2006-01-02 15:04:05.000 MST"

// writeReport prints the verdict first, then what it rests on. Who vouches for
// the policy is only told in full of a document that is alone.
func writeReport(b *bytes.Buffer, colour palette, o outcome, alone bool) {
	r := o.report
	refused := o.refusal()
	if refused == nil {
		fmt.Fprintf(b, "%s  %s\n", colour.good("ACCEPTED"), printable(o.file))
	} else {
		fmt.Fprintf(b, "%s  %s  %s\n", colour.bad("REFUSED"), printable(o.file), refused.Reason)
	}
	switch status := statusOf(r, "measurements"); {
	case r.Image != nil:
		line(b, "image", r.Image.Name)
	case status == attestation.Skipped:
		line(b, "image", "NOT CHECKED, any would do")
	}
	if o.voucher != nil && alone {
		writeVoucher(b, o.voucher)
	} else if o.voucher != nil {
		line(b, "policy", o.voucher.Summary())
	}
	if r.Mismatch != nil {
		writeMismatch(b, colour, r.Mismatch, describeFor(r))
	}
	if len(r.Registers) > 0 {
		line(b, "exchange", "registers that this exchange requires")
		writeComparisons(b, colour, r.Registers, describeFor(r))
	}
	if r.Document != nil {
		writeAuthentic(b, r)
	} else if r.Unverified != nil {
		line(b, "claims", "the document is not authentic, so its fields prove nothing; inspect shows them")
	}
	writeChecks(b, colour, r)
}

// writeOutcome is one line about one of several documents: the verdict, the file
// and the image or the reason.
func writeOutcome(b *bytes.Buffer, colour palette, o outcome) {
	verdict, what := colour.good("ACCEPTED"), "image not checked"
	switch refused := o.refusal(); {
	case o.err != nil:
		verdict, what = colour.bad("NOT READ"), ""
	case refused != nil:
		verdict, what = colour.bad("REFUSED "), string(refused.Reason)
	case o.report.Image != nil:
		what = o.report.Image.Name
	}
	if o.report != nil && o.report.Debug && o.report.Accepted() {
		what += ", in DEBUG mode"
	}
	fmt.Fprintln(b, strings.TrimSpace(fmt.Sprintf("%s  %s  %s", verdict, printable(o.file), printable(what))))
}

// writeVoucher says who vouches for the policy, until when, for which commit and
// workflow, and what that does not show.
func writeVoucher(b *bytes.Buffer, v *settings.Voucher) {
	line(b, "policy", fmt.Sprintf("%s, version %d", v.Name, v.Version))
	if s := v.Certificate; s != nil {
		line(b, "signed by", s.Identity)
		line(b, "", "logged in by "+s.Issuer)
		for _, at := range s.Signed {
			line(b, "signed at", at.UTC().Format(timeForm))
		}
		for _, field := range []struct{ name, value string }{{"commit", s.Commit}, {"repository", s.Repository}, {"ref", s.Ref}, {"workflow", s.Workflow}, {"run", s.Run}} {
			if field.value != "" {
				line(b, field.name, field.value)
			}
		}
	} else {
		name := "signed by"
		for _, id := range v.Keys {
			line(b, name, "the key "+id)
			name = ""
		}
		line(b, "", v.CountKeys())
	}
	line(b, "holds", fmt.Sprintf("from %s until %s", v.Issued.UTC().Format(time.DateTime), v.Expires.UTC().Format(time.DateTime)))
	for _, what := range v.NotShown() {
		line(b, "not shown", what)
	}
}

func line(b *bytes.Buffer, name, value string) {
	fmt.Fprintf(b, "  %-10s %s\n", name, printable(value))
}

func writeAuthentic(b *bytes.Buffer, r *attestation.Report) {
	if r.Debug {
		line(b, "mode", "DEBUG: the parent instance can read the enclave's console")
	}
	writeDocument(b, *r.Document)
	line(b, "freshness", freshness(r))
	line(b, "verified", "as of "+r.VerifiedAt.UTC().Format(timeForm))
	for i, cert := range r.Chain {
		name := ""
		if i == 0 {
			name = "chain"
		}
		line(b, name, describeCertificate(cert))
	}
}

// freshness says what keeps the document from being a replay.
func freshness(r *attestation.Report) string {
	nonce, age := statusOf(r, "nonce"), statusOf(r, "age")
	switch {
	case nonce == attestation.Fail || age == attestation.Fail:
		return "no, see below"
	case nonce == attestation.Pass:
		return "the nonce is the expected one"
	case age == attestation.Pass:
		return "within the age limit"
	default:
		return "NOT CHECKED, appraised as of the document's own timestamp"
	}
}

func statusOf(r *attestation.Report, check string) attestation.Status {
	for _, c := range r.Checks {
		if c.Name == check {
			return c.Status
		}
	}
	return attestation.NotReached
}

func describeCertificate(cert *x509.Certificate) string {
	return fmt.Sprintf("%s to %s  %s", cert.NotBefore.UTC().Format(time.DateTime), cert.NotAfter.UTC().Format(time.DateTime), cert.Subject.CommonName)
}

func writeDocument(b *bytes.Buffer, d attestation.Document) {
	line(b, "module", d.ModuleID)
	line(b, "timestamp", d.Timestamp.Format(timeForm))
	line(b, "public_key", describeBytes(d.PublicKey))
	line(b, "user_data", describeBytes(d.UserData))
	line(b, "nonce", describeBytes(d.Nonce))
	for _, name := range d.UnknownFields {
		line(b, "unknown", name)
	}
}

func describeBytes(value []byte) string {
	const most = 32
	switch {
	case value == nil:
		return "null"
	case len(value) == 0:
		return "empty"
	case len(value) <= most:
		return fmt.Sprintf("%s (%d bytes)", hex.EncodeToString(value), len(value))
	default:
		return fmt.Sprintf("%s... (%d bytes)", hex.EncodeToString(value[:most]), len(value))
	}
}

// describeFor returns what says in words what a register of the document is.
func describeFor(r *attestation.Report) func(register int) string {
	if r.Document == nil {
		return attestation.Enclave.Describe
	}
	return r.Document.Kind.Describe
}

// writeMismatch shows, for every image, the registers that differ and what
// follows from that.
func writeMismatch(b *bytes.Buffer, colour palette, mismatch *pcr.MismatchError, describe func(int) string) {
	for _, image := range mismatch.Images {
		line(b, "not image", image.Image)
		writeComparisons(b, colour, image.Registers, describe)
		for _, sentence := range image.Explain() {
			fmt.Fprintf(b, "    %s\n", sentence)
		}
	}
}

func writeComparisons(b *bytes.Buffer, colour palette, registers []pcr.Comparison, describe func(int) string) {
	for _, c := range registers {
		if c.Equal() {
			fmt.Fprintf(b, "    PCR%-2d %s  %s\n", c.Register, colour.good("equal"), colour.dim(describe(c.Register)))
			continue
		}
		got := "absent"
		if c.Got != nil {
			got = c.Got.String()
		}
		fmt.Fprintf(b, "    PCR%-2d %s  %s\n      got  %s\n      want %s\n", c.Register, colour.bad("differs"), colour.dim(describe(c.Register)), got, c.Want)
	}
}

// writeChecks lists the failures, and how many checks passed.
func writeChecks(b *bytes.Buffer, colour palette, r *attestation.Report) {
	counts := map[attestation.Status]int{}
	for _, check := range r.Checks {
		counts[check.Status]++
		if check.Status == attestation.Fail {
			fmt.Fprintf(b, "  %s %s: %s\n", colour.bad("failed    "), check.Name, printable(strings.TrimPrefix(check.Detail, check.Name+": ")))
		}
	}
	summary := fmt.Sprintf("%d passed, %d failed, %d skipped", counts[attestation.Pass], counts[attestation.Fail], counts[attestation.Skipped])
	if n := counts[attestation.NotReached]; n > 0 {
		summary += fmt.Sprintf(", %d not reached", n)
	}
	line(b, "checks", summary)
}
