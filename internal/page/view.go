package page

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"html/template"
	"strings"
	"time"

	"github.com/nitroattest/nitroattest/attestation"
	"github.com/nitroattest/nitroattest/internal/known"
	"github.com/nitroattest/nitroattest/internal/settings"
)

// timeForm is for moments: UTC, to the millisecond that documents have.
const timeForm = "2006-01-02 15:04:05.000 UTC"

// Verdicts, by word and by the class that colours it.
var (
	accepted = verdict{"ACCEPTED", "good"}
	refused  = verdict{"REFUSED", "bad"}
	unread   = verdict{"NOT READ", "bad"}
)

type verdict struct{ Word, Class string }

// view is what the template sees.
type view struct {
	Version   string
	Made      time.Time
	Criteria  []settings.Criterion
	Style     template.CSS
	Policy    string // content security policy
	Documents []documentView
}

// Waived are the criteria that stand beside the verdict.
func (v view) Waived() []settings.Criterion {
	return v.criteria(func(c settings.Criterion) bool { return c.Waived })
}

// Vouched say who vouches for the reference values, and NotShown what that does
// not show.
func (v view) Vouched() []settings.Criterion {
	return v.criteria(func(c settings.Criterion) bool { return c.Vouching && !c.NotShown })
}

func (v view) NotShown() []settings.Criterion {
	return v.criteria(func(c settings.Criterion) bool { return c.NotShown })
}

// Asked are the others.
func (v view) Asked() []settings.Criterion {
	return v.criteria(func(c settings.Criterion) bool { return !c.Waived && !c.Vouching })
}

func (v view) criteria(which func(settings.Criterion) bool) []settings.Criterion {
	var out []settings.Criterion
	for _, c := range v.Criteria {
		if which(c) {
			out = append(out, c)
		}
	}
	return out
}

func (v view) accepted() int {
	n := 0
	for _, d := range v.Documents {
		if d.Verdict == accepted {
			n++
		}
	}
	return n
}

// Appraised says when the appraisal was made, or nothing.
func (v view) Appraised() string {
	if v.Made.IsZero() {
		return ""
	}
	return v.Made.UTC().Format("2006-01-02 15:04:05 UTC")
}

// Verdict is that of all documents together.
func (v view) Verdict() verdict {
	switch {
	case len(v.Documents) == 1:
		return v.Documents[0].Verdict
	case len(v.Documents) > 0 && v.accepted() == len(v.Documents):
		return accepted
	}
	return refused
}

// Summary goes beside the verdict.
func (v view) Summary() string {
	if len(v.Documents) == 1 {
		return v.Documents[0].File
	}
	return fmt.Sprintf("%d of %d documents accepted", v.accepted(), len(v.Documents))
}

type documentView struct {
	Number  int
	File    string
	Verdict verdict
	Reason  string // of a refusal
	Detail  string
	Hint    string
	Image   string // that matched

	Size   int
	SHA256 string

	Authentic  bool
	Kind       string
	Debug      bool
	Facts      []fact
	Fields     []field
	Unknown    []string
	Mismatches []imageView    // how each image of the policy differs
	Exchange   []registerView // that this exchange requires
	Registers  []registerView
	Zero       string
	Chain      *chainView
	Checks     []checkView
}

type fact struct{ Name, Value string }

// field is one that the enclave fills.
type field struct {
	Name   string
	State  string // "null", "empty" or its size
	Hex    string
	SHA256 string
	Form   known.Form
}

func newDocumentView(number int, d Document) documentView {
	v := documentView{Number: number, File: d.File, Hint: d.Hint, Verdict: unread}
	if d.Err != nil {
		v.Detail = d.Err.Error()
		return v
	}
	digest := sha256.Sum256(d.Evidence)
	v.Size, v.SHA256 = len(d.Evidence), hex.EncodeToString(digest[:])
	r := d.Report
	v.Authentic, v.Debug = r.Authentic(), r.Debug
	v.Verdict = accepted
	if !r.Accepted() {
		v.Verdict = refused
	}
	var refusal *attestation.Error
	if _, err := r.Result(); errors.As(err, &refusal) {
		v.Reason = string(refusal.Reason)
		v.Detail = strings.TrimPrefix(refusal.Error(), v.Reason+": ")
	}
	if r.Image != nil {
		v.Image = r.Image.Name
	}
	v.Checks = checksOf(r)
	switch {
	case r.Document != nil:
		v.addDocument(*r.Document, r)
		v.Chain = newChain(r.Chain, r.Document.Timestamp, r.VerifiedAt, true)
	case r.Unverified != nil:
		v.addDocument(r.Unverified.Document, r)
		v.Chain = newChain(parseAll(r.Unverified), r.Unverified.Document.Timestamp, r.VerifiedAt, false)
	}
	return v
}

func (v *documentView) addDocument(d attestation.Document, r *attestation.Report) {
	v.Kind = string(d.Kind)
	v.Facts = []fact{
		{"module_id", d.ModuleID},
		{"timestamp", d.Timestamp.UTC().Format(timeForm)},
		{"verified as of", r.VerifiedAt.UTC().Format(timeForm)},
		{"digest", d.Digest},
	}
	if result, err := r.Result(); err == nil {
		v.Facts = append(v.Facts, fact{"good until", result.FreshUntil.UTC().Format(timeForm)})
	}
	v.Fields = []field{
		newField("public_key", d.PublicKey),
		newField("user_data", d.UserData),
		newField("nonce", d.Nonce),
	}
	v.Unknown = d.UnknownFields
	v.addRegisters(d, r)
}

func newField(name string, value []byte) field {
	switch {
	case value == nil:
		return field{Name: name, State: "null"}
	case len(value) == 0:
		return field{Name: name, State: "empty"}
	}
	digest := sha256.Sum256(value)
	state := fmt.Sprintf("%d bytes", len(value))
	if len(value) == 1 {
		state = "1 byte"
	}
	return field{name, state, hex.EncodeToString(value), hex.EncodeToString(digest[:]), known.Describe(value)}
}
