package attestation

// Status is how one check of a [Report] went.
type Status string

const (
	Pass       Status = "pass"
	Fail       Status = "fail"
	Skipped    Status = "skipped"     // not asked for, or waived by an Insecure option
	NotReached Status = "not-reached" // an earlier check failed and left nothing to look at
)

// The names of the checks, in the order in which a [Report] lists them. They
// are stable, like the Reasons.
const (
	// Whether the document is authentic. These stop at the first failure.

	CheckEvidence        = "evidence"         // a size limit before anything is parsed; one CBOR item, untagged or with tag 18, an array of four
	CheckAlgorithm       = "algorithm"        // the protected header is {1: -35}, ES384, and nothing else
	CheckEnvelope        = "envelope"         // an empty unprotected header, a payload, and a signature of 96 bytes
	CheckPayload         = "payload"          // one CBOR map: bounded depth, counts and lengths; no repeated keys, tags, floats, chunked strings, invalid UTF-8 or keys that differ only in case; unknown keys are ignored and reported
	CheckFields          = "fields"           // mandatory fields are there, every field is of its type and within its bounds
	CheckKind            = "kind"             // of an enclave or a NitroTPM, as asked for
	CheckRoot            = "root"             // the bundle begins with a pinned root, byte for byte
	CheckChain           = "chain"            // strict DER, X.509 v3, P-384 and ecdsa-with-SHA384; the bundle walked in its order and used up; basic constraints, path lengths, key usages, no unknown critical extension; the leaf named after the module
	CheckValidity        = "validity"         // every certificate at the verification time, also those of a chain that is remembered; the leaf, and no other, from Limits.ClockSkew before its notBefore
	CheckChainSignatures = "chain-signatures" // each certificate signed by the one before
	CheckRevocation      = "revocation"       // when Config.Revocations asks for it
	CheckSignature       = "signature"        // the leaf signed the payload, as it was received

	// Whether it is acceptable. These are all made, and the first that fails gives
	// the Reason.

	CheckNonce             = "nonce"              // the challenge of the relying party
	CheckAge               = "age"                // within the age limit
	CheckTimestamp         = "timestamp"          // not in the future, and within the validity of the leaf
	CheckDebug             = "debug"              // registers 0 to 2 are not zero, as they are in debug mode
	CheckMeasurements      = "measurements"       // one image of the policy matches as a whole; a listed register that the document lacks is a mismatch
	CheckExchangeRegisters = "exchange-registers" // the registers that this exchange expects
	CheckUserData          = "user-data"          // user_data, where something is expected
	CheckPublicKey         = "public-key"         // public_key, where something is expected
)

// Check is one line of a [Report].
type Check struct {
	Name   string `json:"name"` // CheckEvidence to CheckPublicKey
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
	checkExchangeRegisters
	checkUserData
	checkPublicKey
	checkCount
)

var checkNames = [checkCount]string{
	checkEvidence:          CheckEvidence,
	checkAlgorithm:         CheckAlgorithm,
	checkEnvelope:          CheckEnvelope,
	checkPayload:           CheckPayload,
	checkFields:            CheckFields,
	checkKind:              CheckKind,
	checkRoot:              CheckRoot,
	checkChain:             CheckChain,
	checkValidity:          CheckValidity,
	checkChainSignatures:   CheckChainSignatures,
	checkRevocation:        CheckRevocation,
	checkSignature:         CheckSignature,
	checkNonce:             CheckNonce,
	checkAge:               CheckAge,
	checkTimestamp:         CheckTimestamp,
	checkDebug:             CheckDebug,
	checkMeasurements:      CheckMeasurements,
	checkExchangeRegisters: CheckExchangeRegisters,
	checkUserData:          CheckUserData,
	checkPublicKey:         CheckPublicKey,
}

// CheckNames returns the names of all checks, in the order of a [Report].
func CheckNames() []string { return append([]string{}, checkNames[:]...) }
