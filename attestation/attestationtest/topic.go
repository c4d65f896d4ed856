package attestationtest

import "github.com/nitroattest/nitroattest/attestation"

// Topic is what a mutation is about: one promise of a verifier. The vectors in
// testdata/vectors use the same names as flags. A topic is finer than a check of
// a report in some places, and about the making of a verifier in others.
type Topic string

// The topics, in the order of [Topics].
const (
	TopicSize                 Topic = "Size"
	TopicCoseStructure        Topic = "CoseStructure"
	TopicProtectedHeader      Topic = "ProtectedHeader"
	TopicUnprotectedHeader    Topic = "UnprotectedHeader"
	TopicPayloadAndSignature  Topic = "PayloadAndSignature"
	TopicStrictCbor           Topic = "StrictCbor"
	TopicUnknownFields        Topic = "UnknownFields"
	TopicSignedBytes          Topic = "SignedBytes"
	TopicFields               Topic = "Fields"
	TopicDocumentKind         Topic = "DocumentKind"
	TopicPinnedRoot           Topic = "PinnedRoot"
	TopicBundleOrder          Topic = "BundleOrder"
	TopicCertificateProfile   Topic = "CertificateProfile"
	TopicNamesAndSignatures   Topic = "NamesAndSignatures"
	TopicValidity             Topic = "Validity"
	TopicConstraints          Topic = "Constraints"
	TopicLeafName             Topic = "LeafName"
	TopicRevocation           Topic = "Revocation"
	TopicCachedChain          Topic = "CachedChain"
	TopicDocumentSignature    Topic = "DocumentSignature"
	TopicFreshness            Topic = "Freshness"
	TopicClock                Topic = "Clock"
	TopicUsablePolicy         Topic = "UsablePolicy"
	TopicDebugMode            Topic = "DebugMode"
	TopicMissingRegister      Topic = "MissingRegister"
	TopicWholeImage           Topic = "WholeImage"
	TopicApplicationRegisters Topic = "ApplicationRegisters"
	TopicBinding              Topic = "Binding"
	TopicNoIdentityOfBytes    Topic = "NoIdentityOfBytes"
	TopicExchangeRegisters    Topic = "ExchangeRegisters"
)

// TopicInfo says what a topic is about.
type TopicInfo struct {
	Topic       Topic
	Checks      []string // the checks of a report that answer for it; none: no document shows it
	Description string
}

// Topics returns every topic, in the order of the checks.
func Topics() []TopicInfo {
	return []TopicInfo{
		{TopicSize, []string{attestation.CheckEvidence}, "A document above 32 KiB is refused before it is parsed. A Nitro Security Module answers with at most 12 KiB."},
		{TopicCoseStructure, []string{attestation.CheckEvidence}, "A document is one CBOR item, an array of four elements, untagged or with tag 18, and nothing after it."},
		{TopicProtectedHeader, []string{attestation.CheckAlgorithm}, "The protected header is a byte string that holds exactly {1: -35}, ES384. Verifiers that do not read it accept other algorithms, or headers that change the meaning of the message."},
		{TopicUnprotectedHeader, []string{attestation.CheckEnvelope}, "The unprotected header is the empty map. Nothing signs it."},
		{TopicPayloadAndSignature, []string{attestation.CheckEvidence, attestation.CheckEnvelope, attestation.CheckSignature}, "The payload is attached and not empty; the signature is r and s of 48 bytes each, in [1, n-1], not DER. High values of s are accepted: AWS emits them."},
		{TopicStrictCbor, []string{attestation.CheckEvidence, attestation.CheckPayload}, "Depth, counts and lengths are bounded. Repeated keys, keys that differ in case only, tags, floats, chunked strings and text that is not UTF-8 are refused: two readers could disagree about them. Maps and arrays of indefinite length are accepted."},
		{TopicUnknownFields, []string{attestation.CheckPayload}, "Unknown fields of the payload are ignored, and not taken for known ones."},
		{TopicSignedBytes, []string{attestation.CheckSignature}, "The bytes that were signed are verified as they were received. Who decodes and encodes them again accepts what was not signed, and refuses what was."},
		{TopicFields, []string{attestation.CheckFields}, "Every mandatory field is there and not null, and every field is within its bounds."},
		{TopicDocumentKind, []string{attestation.CheckKind}, "Documents of enclaves and of instances with NitroTPM have the same root. Who asks for one refuses the other, whose registers mean something else."},
		{TopicPinnedRoot, []string{attestation.CheckRoot}, "The first certificate of cabundle is the trusted root, byte for byte. Names and dates prove nothing: a look-alike root with the same ones exists."},
		{TopicBundleOrder, []string{attestation.CheckChain}, "cabundle begins with the root, and each certificate is signed by the one before; none is left over. A verifier that searches for a path accepts more, and can be made to search for long."},
		{TopicCertificateProfile, []string{attestation.CheckChain}, "Every certificate is strict DER of X.509 version 3 with a P-384 key and an ecdsa-with-SHA384 signature, inside and outside."},
		{TopicNamesAndSignatures, []string{attestation.CheckChain, attestation.CheckChainSignatures}, "The issuer of each certificate is the subject of the one before, byte for byte, and that one's key signed it."},
		{TopicValidity, []string{attestation.CheckValidity}, "Every certificate is valid at the verification time, the root included, both ends of the period included. The leaf, and no other, is accepted for a minute before its notBefore, for clocks differ; never after its notAfter."},
		{TopicConstraints, []string{attestation.CheckChain}, "Authorities have CA:TRUE, keyCertSign and a path length that is kept; the leaf is no authority and has digitalSignature. What a verifier does not evaluate it refuses."},
		{TopicLeafName, []string{attestation.CheckChain}, "The common name of the leaf is <module_id>.<region>.aws. It ties the document to the certificate that was issued for the module."},
		{TopicRevocation, []string{attestation.CheckRevocation}, "With revocation lists given, a certificate on one is refused. Lists are found by issuer and serial number and are signed by the issuer; a certificate that names a list needs a current one, unless unknown is \"accept\"."},
		{TopicCachedChain, []string{attestation.CheckValidity}, "A verifier that remembers chains checks the validity of every certificate again at each use, and knows a certificate by its exact bytes."},
		{TopicDocumentSignature, []string{attestation.CheckSignature}, "The leaf signed the document."},
		{TopicFreshness, []string{attestation.CheckNonce, attestation.CheckAge, attestation.CheckTimestamp}, "The nonce is the expected one, the timestamp is within the age limit, in the validity of the leaf, and at most a minute in the future."},
		{TopicClock, []string{attestation.CheckValidity}, "The verification time is the verifier's, not the document's, and is read at every verification."},
		{TopicUsablePolicy, nil, "A policy without an image, or an image that pins nothing of the code, would accept what nobody chose. It is refused before there is a document."},
		{TopicDebugMode, []string{attestation.CheckDebug}, "Registers 0, 1 or 2 are zero: the enclave runs in debug mode and its parent instance can read its console."},
		{TopicMissingRegister, []string{attestation.CheckMeasurements}, "A register that the policy lists and the document lacks, or that differs, is a mismatch. A loop over the document's registers does not notice."},
		{TopicWholeImage, []string{attestation.CheckMeasurements}, "The registers are those of one image of the policy. A mix of several images is no image."},
		{TopicApplicationRegisters, []string{attestation.CheckMeasurements}, "Registers 16 and up are the application's: a policy may list them beside others and cannot rest on them. Registers 16 and 23 of a NitroTPM can be reset by the guest and are refused."},
		{TopicBinding, []string{attestation.CheckUserData, attestation.CheckPublicKey}, "user_data and public_key are what is expected, where something is. Absent differs from empty."},
		{TopicNoIdentityOfBytes, nil, "A signature can be turned into another one that verifies. Nothing may rest on the bytes of a document being the same or not: both are the same attestation."},
		{TopicExchangeRegisters, []string{attestation.CheckExchangeRegisters}, "The registers that this exchange expects, beside those of the image, are there with their values. Absent is a mismatch, also where zero is expected."},
	}
}

// place is where a topic stands in Topics, and the end for one of somebody
// else's.
func (t Topic) place() int {
	topics := Topics()
	for i := range topics {
		if topics[i].Topic == t {
			return i
		}
	}
	return len(topics)
}
