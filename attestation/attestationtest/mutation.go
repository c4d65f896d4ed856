package attestationtest

import (
	"crypto/x509"
	"maps"
	"slices"
	"time"

	"github.com/nitroattest/nitroattest/attestation"
	"github.com/nitroattest/nitroattest/certs"
	"github.com/nitroattest/nitroattest/pcr"
)

// Mutation is one change to a document, and what it must lead to. Everything
// that the change touches is signed anew, so that nothing but the check it is
// named for can tell.
type Mutation struct {
	Name    string             // lower-case words with hyphens; unique
	Topic   Topic              // what the change is about
	Reason  attestation.Reason // why a verifier refuses; empty: it must accept
	Comment string             // what is changed, and why it matters

	// NitroTPM: what is changed is the document of a NitroTPM, and the
	// verifier asks for one.
	NitroTPM bool

	// TrustsRoot: the verifier trusts the root of the changed document and not
	// the hypervisor's own.
	TrustsRoot bool

	// Arrange changes what is asked for, and so what both the document and
	// the verifier start from; nil: nothing.
	Arrange func(*Case)

	// Apply makes the change.
	Apply func(*Blueprint)
}

// Mutations returns every change that a verifier must refuse, sorted by
// topic. Checks that no document can violate have none: they
// are about how a verifier is set up.
func Mutations() []Mutation {
	all := slices.Concat(
		inputMutations(),
		protectedMutations(),
		unprotectedMutations(),
		partMutations(),
		itemMutations(),
		keyMutations(),
		lengthMutations(),
		unknownKeyMutations(),
		mandatoryMutations(),
		valueMutations(),
		optionalMutations(),
		registerMutations(),
		bundleMutations(),
		kindMutations(),
		rootMutations(),
		orderMutations(),
		algorithmMutations(),
		encodingMutations(),
		derMutations(),
		issuerMutations(),
		validityMutations(),
		constraintMutations(),
		usageMutations(),
		subjectMutations(),
		signatureMutations(),
		timestampMutations(),
		nonceMutations(),
		measurementMutations(),
		bindingMutations(),
		exchangeMutations(),
	)
	slices.SortStableFunc(all, func(a, b Mutation) int { return a.Topic.place() - b.Topic.place() })
	return all
}

// at names a mutation for each of the levels it is made at.
func at(levels []Level, mutation func(Level) Mutation) []Mutation {
	var out []Mutation
	for _, level := range levels {
		m := mutation(level)
		m.Name += "-" + level.String()
		out = append(out, m)
	}
	return out
}

var (
	authorities = []Level{LevelRegional, LevelZonal, LevelInstance}
	belowRoot   = []Level{LevelRegional, LevelZonal, LevelInstance, LevelLeaf}
)

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

// Case is a mutation carried out, with everything that a verifier has to be
// told to judge it. The verifier must accept Original, trusting the
// hypervisor's root, and give the mutation's Reason for Document, trusting
// Root.
type Case struct {
	Mutation Mutation
	Original []byte // the document before the change
	Document []byte // and after it
	Root     *x509.Certificate

	Now    time.Time     // the verifier's clock
	MaxAge time.Duration // the age limit; 0: none
	Policy pcr.Policy    // two images, of which the second is the document's

	// What the verifier expects the fields to be; nil: it does not ask.
	Nonce, UserData, PublicKey []byte
	// NoUserData and NoPublicKey: the fields have to be null. PCRs are registers
	// that the exchange expects, which the document has; nil: none.
	NoUserData, NoPublicKey bool
	PCRs                    pcr.Bank
	// Exchange are registers without whose expectation the images of the policy
	// accept nothing.
	Exchange []int
}

// The document is half a minute old when it is judged and its leaf an hour, so
// that a change can move one of these times without touching the others.
const (
	caseAge     = 30 * time.Second
	caseLeafAge = time.Hour
	caseMaxAge  = 5 * time.Minute
)

// Case carries out a mutation on a document of an enclave that is like the
// hypervisor's first one, but there for this only. It does not depend on what
// was asked of the hypervisor before.
func (h *Hypervisor) Case(m Mutation) Case {
	const label = "case"
	c := config{nitroTPM: m.NitroTPM}
	if !m.NitroTPM {
		signed := otherRegister(h.enclave.instance.secret.child(label), "own", pcr.RegisterCertificate)
		c.image = pcr.Bank{pcr.RegisterCertificate: signed}
	}
	e := h.enclave.instance.start(label, c)
	return e.Case(m, Request{
		Time:  h.clock().Truncate(time.Second),
		Nonce: e.secret.bytes("nonce", 32), UserData: e.secret.bytes("user data", 32), PublicKey: e.secret.bytes("public key", 65),
	})
}

// Case carries out a mutation on a document of the enclave. The request says when
// the verifier judges it, which is half a minute after the document was made, and
// what its fields hold before the mutation arranges them. Some mutations break
// what a field holds, and some PCR8: of a request without the field, or an
// enclave whose image is not signed, they make a document that is not broken.
// The kind of the enclave has to be that of the mutation.
func (e *Enclave) Case(m Mutation, request Request) Case {
	if request.Time.IsZero() {
		request.Time = e.instance.zone.hypervisor.clock()
	}
	c := Case{
		Mutation: m, Root: e.instance.zone.hypervisor.Root(), Now: request.Time, MaxAge: caseMaxAge,
		Nonce: request.Nonce, UserData: request.UserData, PublicKey: request.PublicKey,
	}
	if m.Arrange != nil {
		m.Arrange(&c)
	}
	made := Request{Time: c.Now.Add(-caseAge), Nonce: c.Nonce, UserData: c.UserData, PublicKey: c.PublicKey, PCRs: pcr.Bank{}}
	maps.Copy(made.PCRs, request.PCRs)
	maps.Copy(made.PCRs, c.PCRs)
	image := e.Image()
	c.Policy = pcr.Policy{Images: []pcr.Image{otherImage(e.secret, image), image}}
	for i := range c.Policy.Images {
		c.Policy.Images[i].Exchange = slices.Clone(c.Exchange)
	}
	if m.NitroTPM {
		c.Policy.Kind = pcr.NitroTPM
	}

	e.mu.Lock()
	draft := e.draft(made, e.issueLeaf(made.Time.Add(-caseLeafAge)))
	e.mu.Unlock()
	c.Original = draft.Document()
	b := draft.clone()
	if m.Apply != nil {
		m.Apply(b)
	}
	c.Document = b.Document()
	if m.TrustsRoot {
		c.Root, _ = x509.ParseCertificate(b.Chain[LevelRoot].DER())
	}
	return c
}

// otherImage has the registers of an image, all with other values.
func otherImage(s secret, image pcr.Image) pcr.Image {
	other := pcr.Image{Name: "other", PCRs: pcr.Bank{}}
	for register := range image.PCRs {
		other.PCRs[register] = otherRegister(s, "other", register)
	}
	return other
}

// Config returns the configuration of a verifier of the case, which trusts
// Root.
func (c Case) Config() attestation.Config {
	config := attestation.Config{Policy: c.Policy, Now: func() time.Time { return c.Now }}
	if c.Mutation.NitroTPM {
		config.Kind = attestation.NitroTPM
	}
	// Without roots the verifier would trust AWS's, and refuse.
	config.Roots, _ = certs.NewRoots(c.Root)
	return config
}

// Expect returns what the verifier expects of this exchange.
func (c Case) Expect() attestation.Expect {
	return attestation.Expect{
		Nonce: c.Nonce, MaxAge: c.MaxAge, UserData: c.UserData, PublicKey: c.PublicKey,
		NoUserData: c.NoUserData, NoPublicKey: c.NoPublicKey, PCRs: c.PCRs,
	}
}
