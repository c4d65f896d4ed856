package main

import "github.com/nitroattest/nitroattest/internal/vectors"

// recordedFlag marks documents that AWS signed, beside the flag of a check.
const recordedFlag = "Recorded"

// flags are the names of the checks. Check 30, on cost, has none: no verdict
// shows it.
var flags = []struct {
	check       int
	name        string
	description string
}{
	{0, recordedFlag, "A document that a Nitro hypervisor of AWS's signed, as of its own time. Its leaf has expired, so that nobody can use it today."},
	{1, "Size", "A document above 32 KiB is refused before it is parsed. A Nitro Security Module answers with at most 12 KiB."},
	{2, "CoseStructure", "A document is one CBOR item, an array of four elements, untagged or with tag 18, and nothing after it."},
	{3, "ProtectedHeader", "The protected header is a byte string that holds exactly {1: -35}, ES384. Verifiers that do not read it accept other algorithms, or headers that change the meaning of the message."},
	{4, "UnprotectedHeader", "The unprotected header is the empty map. Nothing signs it."},
	{5, "PayloadAndSignature", "The payload is attached and not empty; the signature is r and s of 48 bytes each, in [1, n-1], not DER. High values of s are accepted: AWS emits them."},
	{6, "StrictCbor", "Depth, counts and lengths are bounded. Repeated keys, keys that differ in case only, tags, floats, chunked strings and text that is not UTF-8 are refused: two readers could disagree about them. Maps and arrays of indefinite length are accepted."},
	{7, "UnknownFields", "Unknown fields of the payload are ignored, and not taken for known ones."},
	{8, "SignedBytes", "The bytes that were signed are verified as they were received. Who decodes and encodes them again accepts what was not signed, and refuses what was."},
	{9, "Fields", "Every mandatory field is there and not null, and every field is within its bounds."},
	{10, "DocumentKind", "Documents of enclaves and of instances with NitroTPM have the same root. Who asks for one refuses the other, whose registers mean something else."},
	{11, "PinnedRoot", "The first certificate of cabundle is the trusted root, byte for byte. Names and dates prove nothing: a look-alike root with the same ones exists."},
	{12, "BundleOrder", "cabundle begins with the root, and each certificate is signed by the one before; none is left over. A verifier that searches for a path accepts more, and can be made to search for long."},
	{13, "CertificateProfile", "Every certificate is strict DER of X.509 version 3 with a P-384 key and an ecdsa-with-SHA384 signature, inside and outside."},
	{14, "NamesAndSignatures", "The issuer of each certificate is the subject of the one before, byte for byte, and that one's key signed it."},
	{15, "Validity", "Every certificate is valid at the verification time, the root included, both ends of the period included. The leaf, and no other, is accepted for a minute before its notBefore, for clocks differ; never after its notAfter."},
	{16, "Constraints", "Authorities have CA:TRUE, keyCertSign and a path length that is kept; the leaf is no authority and has digitalSignature. What a verifier does not evaluate it refuses."},
	{17, "LeafName", "The common name of the leaf is <module_id>.<region>.aws. It ties the document to the certificate that was issued for the module."},
	{18, "Revocation", "With revocation lists given, a certificate on one is refused. Lists are found by issuer and serial number and are signed by the issuer; a certificate that names a list needs a current one, unless unknown is \"accept\"."},
	{19, "CachedChain", "A verifier that remembers chains checks the validity of every certificate again at each use, and knows a certificate by its exact bytes."},
	{20, "DocumentSignature", "The leaf signed the document."},
	{21, "Freshness", "The nonce is the expected one, the timestamp is within the age limit, in the validity of the leaf, and at most a minute in the future."},
	{22, "Clock", "The verification time is the verifier's, not the document's, and is read at every verification."},
	{23, "UsablePolicy", "A policy without an image, or an image that pins nothing of the code, would accept what nobody chose. It is refused before there is a document."},
	{24, "DebugMode", "Registers 0, 1 or 2 are zero: the enclave runs in debug mode and its parent instance can read its console."},
	{25, "MissingRegister", "A register that the policy lists and the document lacks, or that differs, is a mismatch. A loop over the document's registers does not notice."},
	{26, "WholeImage", "The registers are those of one image of the policy. A mix of several images is no image."},
	{27, "ApplicationRegisters", "Registers 16 and up are the application's: a policy may list them beside others and cannot rest on them. Registers 16 and 23 of a NitroTPM can be reset by the guest and are refused."},
	{28, "Binding", "user_data and public_key are what is expected, where something is. Absent differs from empty."},
	{29, "NoIdentityOfBytes", "A signature can be turned into another one that verifies. Nothing may rest on the bytes of a document being the same or not: both are the same attestation."},
	{31, "ExchangeRegisters", "The registers that this exchange expects, beside those of the image, are there with their values. Absent is a mismatch, also where zero is expected."},
}

func notes() map[string]vectors.Note {
	out := map[string]vectors.Note{}
	for _, flag := range flags {
		out[flag.name] = vectors.Note{Check: flag.check, Description: flag.description}
	}
	return out
}

func flagOf(check int) (string, bool) {
	for _, flag := range flags {
		if flag.check == check && check > 0 {
			return flag.name, true
		}
	}
	return "", false
}
