// Package crlfetch keeps a service's revocation lists up to date: it fetches
// those that the certificates of AWS's attestation documents name, and hands
// them to a [certs.Revocations].
//
// # Why it is a package of its own
//
// Verification reads nothing from the network, and certs does not know how to.
// A verifier that fetches what a document names lets whoever sends documents
// decide where it connects to and how long it takes. So fetching is opt-in,
// happens where the service calls for it, and is bounded: the chain has to lead
// to a pinned root before a URL in it counts, the host has to be on an allow
// list, and size, time and frequency have limits. A document that was replayed
// by a stranger has an authentic chain too; all it can cause is that a list of
// AWS's is fetched now and then.
//
// AWS's description of how to verify a document says that revocation lists are
// not used for these certificates (docs/attestation_process.md of
// aws/aws-nitro-enclaves-nsm-api). The longest-lived below the root last 20
// days. Whoever checks them nevertheless, because 20 days are too long, also
// takes on that verification depends on AWS's lists being reachable.
//
// # Plain HTTP
//
// The URLs in AWS's certificates are plain HTTP, and RFC 5280 (section 8) advises
// against anything else: a list is signed by its issuer, and to verify the
// certificate of a TLS server could need a list in turn. An attacker on the
// network can
//
//   - withhold lists. The last good one stays; when its nextUpdate has passed,
//     the status of what it covers is unknown, and certs.RefuseUnknown refuses.
//   - serve an older list that is still current, if no newer one was at hand
//     before. Where one was, [certs.Revocations.Update] refuses the older, over
//     a restart too if certs.RevocationConfig has a MemoryFile.
//   - see which lists are fetched: those of the regions whose documents the
//     service verifies.
//
// and no more: what is not signed by the issuing certificate of a verified chain
// changes nothing. With certs.RefuseUnknown a revocation counts, at the latest,
// when the list before it runs out. With certs.InsecureAcceptUnknown whoever
// withholds lists keeps revoked certificates alive.
//
// # Starting a service that fails closed
//
// Which lists are needed follows from the chains that arrive; there is no
// catalogue of them. A service begins without any and asks for those of a chain
// when their absence is what refuses it:
//
//	parsed, err := verifier.Parse(evidence)
//	if err != nil {
//		return err
//	}
//	result, err := verifier.VerifyParsed(parsed, expect)
//	if errors.Is(err, certs.RevocationUnknown) {
//		u := parsed.Unverified()
//		chain := certs.Chain{Bundle: u.CABundle, Leaf: u.Certificate, ModuleID: u.Document.ModuleID}
//		if err := updater.Update(ctx, chain, time.Now()); err != nil {
//			log.Print(err) // which list, and why
//		}
//		result, err = verifier.VerifyParsed(parsed, expect)
//	}
//
// From then on [Updater.Run] fetches these lists again before they run out.
//
// # Limits
//
// Delta CRLs, LDAP and OCSP are not supported; AWS's certificates name none.
// Lists are not stored: a service that starts anew fetches anew. The recorded
// chains are all of the commercial partition, and so are the hosts in
// [AWSHosts].
package crlfetch
