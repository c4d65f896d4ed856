package attestation

// Status is how one check of a [Report] went.
type Status string

const (
	Pass       Status = "pass"
	Fail       Status = "fail"
	Skipped    Status = "skipped"     // not asked for, or waived by an Insecure option
	NotReached Status = "not-reached" // an earlier check failed and left nothing to look at
)

// Check is one line of a [Report]. Its Name is one of these, in this order;
// the numbers are those of the list in the package documentation:
//
//	evidence         1, 2      size, one CBOR array of four
//	algorithm        3         ES384 and nothing else in the protected header
//	envelope         4, 5      empty unprotected header, payload, signature size
//	payload          6, 7, 8   strict CBOR map
//	fields           9         presence, types and bounds
//	kind             10        enclave or NitroTPM
//	root             11        pinned, byte for byte
//	chain            12-14, 16, 17  profile, order, names
//	validity         15, 19    every certificate at the verification time
//	chain-signatures 14        each certificate signed by the one before
//	revocation       18        when asked for
//	signature        20        the document signed by the leaf
//	nonce            21        the challenge of the relying party
//	age              21        the age limit
//	timestamp        21        not in the future, within the leaf's validity
//	debug            24        registers 0 to 2 are not zero
//	measurements     23, 25-27 one image of the policy matches as a whole
//	user-data        28        as expected
//	public-key       28        as expected
type Check struct {
	Name   string `json:"name"`
	Status Status `json:"status"`
	Reason Reason `json:"reason"` // empty unless Status is Fail
	Detail string `json:"detail"`
}

// checkID is the place of a check in a report.
type checkID int

const (
	checkEvidence checkID = iota
	checkAlgorithm
	checkEnvelope
	checkPayload
	checkFields
	checkKind
	checkRoot
	checkChain
	checkValidity
	checkChainSignatures
	checkRevocation
	checkSignature
	checkNonce
	checkAge
	checkTimestamp
	checkDebug
	checkMeasurements
	checkUserData
	checkPublicKey
	checkCount
)

var checkNames = [checkCount]string{
	checkEvidence:        "evidence",
	checkAlgorithm:       "algorithm",
	checkEnvelope:        "envelope",
	checkPayload:         "payload",
	checkFields:          "fields",
	checkKind:            "kind",
	checkRoot:            "root",
	checkChain:           "chain",
	checkValidity:        "validity",
	checkChainSignatures: "chain-signatures",
	checkRevocation:      "revocation",
	checkSignature:       "signature",
	checkNonce:           "nonce",
	checkAge:             "age",
	checkTimestamp:       "timestamp",
	checkDebug:           "debug",
	checkMeasurements:    "measurements",
	checkUserData:        "user-data",
	checkPublicKey:       "public-key",
}
