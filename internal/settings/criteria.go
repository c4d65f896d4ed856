package settings

import (
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/nitroattest/nitroattest/certs"
	"github.com/nitroattest/nitroattest/pcr/signedpolicy"
)

// Criterion is one thing that was asked of every document, or was not.
type Criterion struct {
	Name, Value string
	Waived      bool // a check that was left out, which a reader has to know
	Vouching    bool // says who vouches for the reference values
	NotShown    bool // with Vouching: what a reader might take it to show, and does not
}

// Criteria say in words what a asks of every document, and what it leaves out.
// Without that, an accepted document means nothing to a reader.
func (a *Appraisal) Criteria() []Criterion {
	c := criteria{}
	a.addImages(&c)
	a.addFreshness(&c)
	c.add("Kind", "%s", a.kind())
	a.addModule(&c)
	a.addTrust(&c)
	a.addBinding(&c)
	return c
}

type criteria []Criterion

func (c *criteria) add(name, format string, args ...any) {
	*c = append(*c, Criterion{Name: name, Value: fmt.Sprintf(format, args...)})
}

func (c *criteria) waive(name, format string, args ...any) {
	c.add(name, format, args...)
	(*c)[len(*c)-1].Waived = true
}

// vouch adds what is known of who vouches for the reference values.
func (c *criteria) vouch(name, format string, args ...any) {
	c.add(name, format, args...)
	(*c)[len(*c)-1].Vouching = true
}

func (a *Appraisal) addImages(c *criteria) {
	if a.AnyImage {
		c.waive("Image not checked", "any code was acceptable (%s)", a.name(InsecureAnyImage))
	} else {
		c.add(a.Origin.Name, "%s", a.Origin.Value)
		if a.Origin.File != nil {
			c.add("Policy SHA-256", "%x", a.Origin.Digest())
			a.Origin.Voucher.addTo(c, a)
		}
	}
	if a.AllowDebug {
		c.waive("Debug mode allowed", "the console of an enclave in debug mode can be read by its parent instance (%s)", a.name(InsecureAllowDebug))
	}
}

func (a *Appraisal) addModule(c *criteria) {
	if a.AnyModuleID {
		c.waive("Any module ID", "a module ID of a form that nobody has seen was acceptable (%s)", a.name(InsecureAnyModuleID))
	}
}

func (a *Appraisal) addFreshness(c *criteria) {
	if a.Nonce != nil {
		c.add("Nonce", "%s", describeWhole(a.Nonce))
	}
	if a.MaxAge > 0 {
		c.add("Age limit", "%s", a.MaxAge)
	}
	if a.Recorded {
		const text = "each document was appraised as of its own timestamp (%s), which says whether it was good when it was made"
		if a.Nonce != nil {
			c.add("Time", text, a.name(Recorded))
		} else {
			c.waive("Freshness not checked", text, a.name(Recorded))
		}
	}
	if !a.At.IsZero() {
		c.waive("Not as of now", "each document was appraised as of %s (%s)", a.At.Format(time.RFC3339), a.name(At))
	}
}

func (a *Appraisal) addTrust(c *criteria) {
	switch {
	case a.Roots != nil:
		c.waive("Not AWS's root", "the roots in %s were trusted in place of AWS's (%s)", a.RootsName, a.name(Roots))
	case a.Partition == PartitionGovCloud:
		c.add("Root", "AWS's, of the partition %s", PartitionGovCloud)
	default:
		c.add("Root", "AWS's, of the partition %s", PartitionAWS)
	}
	lists := strings.Join(a.Lists, ", ")
	switch {
	case len(a.Lists) == 0:
		c.add("Revocation", "not checked")
	case a.Unknown == certs.InsecureAcceptUnknown:
		c.waive("Revocation in part", "certificates without a current list passed (%s %s); lists: %s", a.name(MissingCRL), a.Unknown, lists)
	default:
		c.add("Revocation", "by %s", lists)
	}
	if len(a.Denied) > 0 {
		c.add("Denied", "%s", strings.Join(a.Denied, ", "))
	}
}

func (a *Appraisal) addBinding(c *criteria) {
	for _, register := range a.PCRs.Registers() {
		c.add(fmt.Sprintf("PCR%d in this exchange", register), "%s", a.PCRs[register])
	}
	for _, field := range []struct {
		name  string
		value []byte
		null  bool
	}{{"user_data", a.UserData, a.NoUserData}, {"public_key", a.PublicKey, a.NoPublicKey}} {
		switch {
		case field.null:
			c.add(field.name, "null")
		case field.value != nil:
			c.add(field.name, "%s", describeWhole(field.value))
		}
	}
}

func describeWhole(value []byte) string {
	if len(value) == 0 {
		return "present and empty"
	}
	return fmt.Sprintf("%s (%d bytes)", hex.EncodeToString(value), len(value))
}

// addTo says who vouched for the reference values, and what that does not show.
func (v *Voucher) addTo(c *criteria, a *Appraisal) {
	if v == nil {
		c.vouch("Signed by", "nobody: this report rests on trust in the file of the policy")
		return
	}
	c.vouch("Policy", "%s, version %d", v.Name, v.Version)
	if v.Certificate != nil {
		v.Certificate.addTo(c)
	} else {
		for _, id := range v.Keys {
			c.vouch("Signed by the key", "%s", id)
		}
		c.vouch("Signatures", "%s", v.CountKeys())
	}
	c.vouch("Holds from", "%s", moment(v.Issued))
	c.vouch("Holds until", "%s", moment(v.Expires))
	for _, subject := range v.Subjects {
		c.vouch("About the file", "%s", describeSubject(subject))
	}
	if len(v.Revoked) > 0 {
		c.vouch("Revoked images", "%s", strings.Join(v.Revoked, ", "))
	}
	c.vouch("Statement SHA-256", "%s", v.SHA256)
	for _, what := range v.NotShown() {
		c.vouch("Not shown", "%s", what)
		(*c)[len(*c)-1].NotShown = true
	}
	if !v.NameChecked {
		c.waive("Policy name not checked", "a policy of any name by these signers was acceptable (no %s)", a.name(PolicyName))
	}
}

// moment is the form of the times of a statement.
func moment(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05 UTC") }

// CountKeys says how many of the keys signed.
func (v *Voucher) CountKeys() string {
	return fmt.Sprintf("%d of %d keys signed, at least %d had to", len(v.Keys), v.Of, v.Threshold)
}

// NotShown is what a reader might take the signatures to show, and they do not.
func (v *Voucher) NotShown() []string {
	var out []string
	switch {
	case v.Certificate == nil:
		out = append(out, "when the signatures were made (the publisher states from when the policy holds), who has the keys, and which commit and workflow built the image")
	case v.Certificate.Commit == "":
		out = append(out, "which commit and workflow built the image: the certificate names none")
	default:
		out = append(out, "that the image was built from this commit: the certificate says where the workflow that signed ran, and building the commit again would show the rest")
	}
	if !v.VersionKept {
		out = append(out, "that there is no newer version: nothing remembers the highest that was seen")
	}
	return out
}

func describeSubject(s signedpolicy.Subject) string {
	var digests []string
	for _, algorithm := range slices.Sorted(maps.Keys(s.Digest)) {
		digests = append(digests, algorithm+":"+s.Digest[algorithm])
	}
	return s.Name + " " + strings.Join(digests, " ")
}

func (s *Signer) addTo(c *criteria) {
	c.vouch("Signed by", "%s", s.Identity)
	c.vouch("Logged in by", "%s", s.Issuer)
	for _, at := range s.Signed {
		c.vouch("Signed at", "%s, by a transparency log or a timestamp authority", moment(at))
	}
	for _, field := range []struct{ name, value string }{
		{"Commit", s.Commit}, {"Repository", s.Repository}, {"Ref", s.Ref}, {"Workflow", s.Workflow}, {"Run", s.Run}, {"Started by", s.Trigger},
	} {
		if field.value != "" {
			c.vouch(field.name, "%s", field.value)
		}
	}
}
