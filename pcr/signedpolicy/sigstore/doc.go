// Package sigstore verifies signed policies of people and workflows that have
// no keys: Sigstore bundles.
//
// The statement is that of package signedpolicy. In place of keys that a
// relying party holds, the signature comes from a certificate of a few minutes
// that Fulcio issued to somebody who logged in, or to a CI workflow, and that a
// transparency log has an entry of. GitHub's actions/attest and cosign
// attest-blob make such bundles with the predicate that
// signedpolicy.MarshalPredicate writes.
//
// A relying party requires an issuer (who logged the signer in) and an identity
// (an e-mail address, or the URI of a workflow), each exact or as a pattern.
// Verification is offline: it needs a trusted root file
// (application/vnd.dev.sigstore.trustedroot+json), which has the certificates
// and keys of a Sigstore instance. It requires an entry in a transparency log,
// a time that somebody else than the signer vouches for, and, where the trusted
// root has certificate logs, a certificate timestamp.
//
// What the certificate says of a commit and a workflow is what the issuer said
// when it logged the workflow in. It does not show that the image comes from
// that commit: that is for the workflow's own build to see to, and for whoever
// rebuilds it.
//
// This package is a module of its own, so that importers of the library get
// none of sigstore-go's dependencies. The command nitroattest reaches it through
// the program nitroattest-sigstore; nitroattest-server links it. Package
// sigstoretest is a Sigstore for tests.
package sigstore
