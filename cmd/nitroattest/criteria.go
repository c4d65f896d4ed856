package main

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/nitroattest/nitroattest/attestation"
	"github.com/nitroattest/nitroattest/internal/page"
	"github.com/nitroattest/nitroattest/internal/settings"

	"github.com/nitroattest/nitroattest/pcr/signedpolicy"
)

// criteria say in words what the flags ask of every document, and what they
// leave out. Without that, an accepted document means nothing to a reader.
func (f *appraisalFlags) criteria(expect attestation.Expect) []page.Criterion {
	c := criteria{}
	f.addImages(&c)
	f.addFreshness(&c, expect)
	c.add("Kind", f.kind)
	f.addTrust(&c)
	for _, field := range []struct {
		name  string
		value []byte
	}{{"user_data", expect.UserData}, {"public_key", expect.PublicKey}} {
		if field.value != nil {
			c.add(field.name, describeWhole(field.value))
		}
	}
	return c
}

type criteria []page.Criterion

func (c *criteria) add(name, value string) {
	*c = append(*c, page.Criterion{Name: name, Value: value})
}

func (c *criteria) waive(name, value string) {
	*c = append(*c, page.Criterion{Name: name, Value: value, Waived: true})
}

func (f *appraisalFlags) addImages(c *criteria) {
	switch {
	case f.anyImage:
		c.waive("Image not checked", "any code was acceptable (--insecure-any-image)")
	case len(f.pcrs) > 0:
		c.add("Registers", strings.Join(f.pcrs, ", "))
	case f.changed("eif"):
		c.add("Image file", f.eif)
	default:
		digest := sha256.Sum256(f.policyData)
		if f.changed("policy-bundle") {
			c.add("Policy bundle", f.voucherFlags.bundle)
		} else {
			c.add("Policy file", f.policy)
		}
		c.add("Policy SHA-256", hex.EncodeToString(digest[:]))
		f.voucher.addTo(c)
	}
	if f.allowDebug {
		c.waive("Debug mode allowed", "the console of an enclave in debug mode can be read by its parent instance (--insecure-allow-debug)")
	}
}

func (f *appraisalFlags) addFreshness(c *criteria, expect attestation.Expect) {
	if expect.Nonce != nil {
		c.add("Nonce", describeWhole(expect.Nonce))
	}
	if f.changed("max-age") {
		c.add("Age limit", f.maxAge.String())
	}
	if f.recorded {
		const text = "each document was appraised as of its own timestamp (--recorded), which says whether it was good when it was made"
		if expect.Nonce != nil {
			c.add("Time", text)
		} else {
			c.waive("Freshness not checked", text)
		}
	}
	if f.changed("at") {
		c.waive("Not as of now", "each document was appraised as of "+f.at+" (--at)")
	}
}

func (f *appraisalFlags) addTrust(c *criteria) {
	switch {
	case f.changed("root"):
		c.waive("Not AWS's root", "the roots in "+f.root+" were trusted in place of AWS's (--root)")
	default:
		c.add("Root", "AWS's, of the partition "+f.partition)
	}
	switch {
	case len(f.crls) == 0:
		c.add("Revocation", "not checked")
	case f.missingCRL != settings.MissingRefuse:
		c.waive("Revocation in part", "certificates without a current list passed (--missing-crl "+f.missingCRL+"); lists: "+strings.Join(f.crls, ", "))
	default:
		c.add("Revocation", "by "+strings.Join(f.crls, ", "))
	}
}

func describeWhole(value []byte) string {
	if len(value) == 0 {
		return "present and empty"
	}
	return fmt.Sprintf("%s (%d bytes)", hex.EncodeToString(value), len(value))
}

// addTo says who vouched for the reference values, and what that does not show.
func (v *voucher) addTo(c *criteria) {
	if v == nil {
		c.add("Vouched for", "by nobody: the policy is not signed, and this report rests on trust in its file")
		return
	}
	c.add("Reference values", fmt.Sprintf("%s, version %d", v.Name, v.Version))
	c.add("Holding", fmt.Sprintf("from %s until %s", v.Issued.Format(time.RFC3339), v.Expires.Format(time.RFC3339)))
	c.add("Statement SHA-256", v.SHA256)
	for _, subject := range v.subjects {
		c.add("About the file", describeSubject(subject))
	}
	if len(v.revoked) > 0 {
		c.add("Revoked images", strings.Join(v.revoked, ", "))
	}
	if v.Certificate != nil {
		v.Certificate.addTo(c)
	} else {
		for _, id := range v.Keys {
			c.add("Signed by the key", id)
		}
		c.add("Signatures", fmt.Sprintf("%d of %d keys signed, %d were required", len(v.Keys), v.of, v.Threshold))
		c.add("Not shown", "when the signatures were made (the publisher states the beginning), who holds the keys, and which commit or workflow built the image")
	}
	if !v.nameGiven {
		c.waive("Policy name not checked", "a policy of any name by these signers was acceptable (no --policy-name)")
	}
	if !v.stateGiven {
		c.add("Older versions", "not ruled out: no file remembers the highest version (no --policy-state)")
	}
}

func describeSubject(s signedpolicy.Subject) string {
	var digests []string
	for _, algorithm := range slices.Sorted(maps.Keys(s.Digest)) {
		digests = append(digests, algorithm+":"+s.Digest[algorithm])
	}
	return s.Name + " " + strings.Join(digests, " ")
}

func (i *identity) addTo(c *criteria) {
	c.add("Signed by", i.Identity)
	c.add("Logged in by", i.Issuer)
	for _, at := range i.Signed {
		c.add("Signed at", at.Format(time.RFC3339)+", by a transparency log or a timestamp authority")
	}
	for _, field := range []struct{ name, value string }{
		{"Repository", i.Repository}, {"Commit", i.Commit}, {"Ref", i.Ref}, {"Workflow", i.Workflow}, {"Run", i.Run}, {"Started by", i.Trigger},
	} {
		if field.value != "" {
			c.add(field.name, field.value)
		}
	}
	if i.Commit == "" {
		c.add("Not shown", "which commit and workflow built the image: the certificate names none")
	} else {
		c.add("Not shown", "that the image was built from this commit: the certificate says where the signing workflow ran, and a second build from the commit would show the rest")
	}
}
