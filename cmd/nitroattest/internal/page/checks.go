package page

import "github.com/nitroattest/nitroattest/attestation"

type checkView struct {
	Name, Meaning string
	Status        string // in words
	Class         string
	Reason        string
	Detail        string
}

// meanings say what each check asks, in the words of the documentation of
// attestation.Check.
var meanings = map[string]string{
	"evidence":         "within the size limit, and one CBOR array of four",
	"algorithm":        "ES384, and nothing else in the protected header",
	"envelope":         "an empty unprotected header, a payload, a signature of 96 bytes",
	"payload":          "a strict CBOR map",
	"fields":           "every mandatory field is there, all are of their type and size",
	"kind":             "of the kind that was asked for",
	"root":             "the chain begins with a pinned root, byte for byte",
	"chain":            "the certificates have the profile, order and names of AWS's",
	"validity":         "every certificate is valid at the verification time",
	"chain-signatures": "each certificate is signed by the one before it",
	"revocation":       "no certificate is revoked",
	"signature":        "the leaf certificate's key signed the document",
	"nonce":            "the nonce is the challenge that was given out",
	"age":              "not older than the age limit",
	"timestamp":        "not in the future, and within the validity of the leaf",
	"debug":            "registers 0 to 2 are not zero, as they are in debug mode",
	"measurements":     "all registers of one image of the policy match",
	"user-data":        "user_data is what was expected",
	"public-key":       "public_key is what was expected",
}

func checksOf(r *attestation.Report) []checkView {
	views := make([]checkView, 0, len(r.Checks))
	for _, c := range r.Checks {
		v := checkView{Name: c.Name, Meaning: meanings[c.Name], Reason: string(c.Reason), Detail: c.Detail}
		switch c.Status {
		case attestation.Pass:
			v.Status, v.Class = "passed", "good"
		case attestation.Fail:
			v.Status, v.Class = "FAILED", "bad"
		case attestation.Skipped:
			v.Status, v.Class = "skipped", "none"
		default:
			v.Status, v.Class = "not reached", "none"
		}
		views = append(views, v)
	}
	return views
}
