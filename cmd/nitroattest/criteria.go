package main

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"

	"github.com/nitroattest/nitroattest/attestation"
	"github.com/nitroattest/nitroattest/internal/page"
	"github.com/nitroattest/nitroattest/internal/settings"
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
		c.add("Policy file", f.policy)
		c.add("Policy SHA-256", hex.EncodeToString(digest[:]))
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
