// Package attestationtest simulates the Nitro hypervisor, for the tests of
// programs that verify attestation documents, as net/http/httptest simulates
// servers. It needs no enclave, no AWS account and no testing.T, so examples
// and demonstrations can use it too.
//
//	h := attestationtest.NewHypervisor()
//	verifier, err := attestation.NewVerifier(attestation.Config{
//		Policy: pcr.Policy{Images: []pcr.Image{h.Enclave().Image()}},
//		Roots:  h.Roots(),
//	})
//	document := h.Attest(attestationtest.Request{Nonce: nonce})
//
// A [Hypervisor] has a certificate authority of its own. No verifier trusts
// what it signs unless it is told to, with [Hypervisor.Roots]: its root has the
// name and the dates of AWS's, but not the key. A verifier that accepts a
// simulated document without being told has pinned a name where it should have
// pinned bytes.
//
// # Documents
//
// A document has the form of the newest recorded ones: the encoding of the
// COSE_Sign1 and of the payload, the order of the fields, and of each certificate
// the encoding of names and dates, the extensions with their order and
// criticality, and the size of serial numbers. The tests of this package compare
// the two. [Enclave.Attest] documents the
// same options that an enclave has, and [Request] what else can be set.
//
// What differs from recorded documents: the keys and the signatures, serial
// numbers and the hex digits in the names of authorities, which are random; the
// host in CRL distribution points, which does not exist; identifiers of
// instances, enclaves and roles, which are made up; and the times at which
// certificates are replaced, which follow from the age of the one before.
//
// [WithSeed] makes all of it deterministic, keys included.
//
// # The tree
//
// A hypervisor starts with one enclave on one instance in one zone of one
// region, and each can have siblings, which share the certificates above them:
//
//	root        one for each Hypervisor
//	regional    one for each region, see WithRegion
//	zonal       one for each Zone, see Hypervisor.NewZone
//	instance    one for each Instance, see Zone.NewInstance
//	leaf        one for each Enclave, see Instance.NewEnclave
//
// Certificates are replaced as time goes by, at the ages at which recorded
// ones were: leaves after 144 minutes of use, the others after hours or days.
//
// # The Nitro Security Module
//
// [Enclave.NSM] is what the program in an enclave talks to, by methods or in
// the wire form of /dev/nsm. A register above 15 is listed in documents once it
// was extended or locked. AWS's source speaks of locked registers only, and
// the recorded documents do not tell the two apart: programs should lock what
// they want to see attested.
//
// # Broken documents
//
// A [Blueprint] is a document before it is signed. Whatever is edited in it,
// everything else is signed anew, so that the edit is the only thing wrong.
// [Mutations] are more than 600 such edits as values, sorted by [Topic];
// [Variations] are edits that must be accepted. [Hypervisor.Case] carries one out, together with everything that
// a verifier has to be told to judge the result:
//
//	for _, m := range attestationtest.Mutations() {
//		c := h.Case(m)
//		// the verifier under test has to refuse c.Document for m.Reason
//	}
package attestationtest
