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
	attestation.CheckEvidence:          "within the size limit, and one CBOR array of four",
	attestation.CheckAlgorithm:         "ES384, and nothing else in the protected header",
	attestation.CheckEnvelope:          "an empty unprotected header, a payload, a signature of 96 bytes",
	attestation.CheckPayload:           "a strict CBOR map",
	attestation.CheckFields:            "every mandatory field is there, all are of their type and size",
	attestation.CheckKind:              "of the kind that was asked for",
	attestation.CheckRoot:              "the chain begins with a pinned root, byte for byte",
	attestation.CheckChain:             "the certificates have the profile, order and names of AWS's",
	attestation.CheckValidity:          "every certificate is valid at the verification time",
	attestation.CheckChainSignatures:   "each certificate is signed by the one before it",
	attestation.CheckRevocation:        "no certificate is revoked",
	attestation.CheckSignature:         "the leaf certificate's key signed the document",
	attestation.CheckNonce:             "the nonce is the challenge that was given out",
	attestation.CheckAge:               "not older than the age limit",
	attestation.CheckTimestamp:         "not in the future, and within the validity of the leaf",
	attestation.CheckDebug:             "registers 0 to 2 are not zero, as they are in debug mode",
	attestation.CheckMeasurements:      "all registers of one image of the policy match",
	attestation.CheckExchangeRegisters: "the registers that this exchange expects have their values",
	attestation.CheckUserData:          "user_data is what was expected",
	attestation.CheckPublicKey:         "public_key is what was expected",
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
