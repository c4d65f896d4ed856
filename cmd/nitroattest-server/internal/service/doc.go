// Package service is the HTTP service of nitroattest-server: it hands out
// challenges and verifies attestation documents for callers in any language.
//
// Its callers are relying parties. They pass on what an enclave gave them and
// act on the verdict; enclaves and their clients do not talk to it. Who may
// call it is for mutual TLS or the network to say.
//
//	POST /v1/challenges   a nonce for one exchange
//	POST /v1/verify       a document in, a verdict out
//	GET  /v1/keys         the keys that verify attestation results, as a JWK set
//	GET  /openapi.json    all of this for programs
//	GET  /healthz         the process answers
//	GET  /readyz          it can verify: policies are loaded, the store answers
//	GET  /metrics         for Prometheus
//
// The last three can be on listeners of their own, where no client needs a
// certificate, and are then nowhere else.
//
// # Status codes
//
//	200  a verdict, whether "accepted" is true or false, and all of the others
//	201  a challenge
//	400  the request cannot be understood or asks for what the server does not
//	     allow; nothing was verified
//	404  no such policy or path
//	405, 408, 413, 415  as HTTP has them
//	503  overloaded; the store of challenges or the audit log cannot answer; nobody
//	     vouches for the policy any more, or its file never was good
//
// A verdict has the members of the report of "nitroattest verify --json". With
// "report": "brief" it has only what a caller acts on, which takes a tenth less
// time. So a document is accepted by 200 with "accepted": true and by nothing else.
// A store that is down never makes a document acceptable: the answer is 503 and
// the challenge may be tried again until it expires. Errors are problem details
// (RFC 9457).
//
// # Order of work
//
// What costs least comes first: limits, JSON, the policy's name, the encoding of
// the document, the tag and the expiry of the challenge. A challenge that is
// forged, expired or for another context is refused before anybody looks at the
// document: the verdict then has "challenge": "refused", "authentic": false, no
// checks and no fields. A document that does not parse is refused next. Only one
// that does waits for one of a few places in which signatures are verified; when
// too many wait already the answer is 503 at once. So garbage takes no place
// from honest documents, and the time in the queue is bounded. The challenge is
// redeemed last, after every other check has passed, so that a document that is
// refused uses none up (see package challenge). That is also when it is known
// that a challenge was redeemed before.
//
// # What the store forgets
//
// Challenges are bound to the epoch of their store (see package redisstore), which
// ends when a server of it is restarted, flushed or replaced. Those that are out
// end with it: the verdict has the reason unknown-nonce, and the client asks for
// another. So nothing is accepted twice by a store that forgot. A store that may
// evict what it was told has no epoch, and redeems nothing. /readyz redeems a
// challenge that nobody has, once a second at most, and is not ready where that
// fails. After five redemptions in a row without an answer the store is left alone
// for a second, and then one request tries it for all.
//
// # Attestation results
//
// A verdict can carry an EAT Attestation Result (EAR, draft-ietf-rats-ear-04):
// a JWT signed with ES384, which a downstream service verifies with one key and
// no knowledge of Nitro. A request says when it wants one: "accepted" gives a
// token for documents that are accepted and none for others, so that a consumer
// that forgets to look at ear_status is not misled; "always" gives one for
// refused documents and challenges too, with the status contraindicated, for
// audits; it costs a third of a verification, without waiting for a place. There
// is none without a verdict.
//
//	eat_profile      tag:ietf.org,2026:rats/ear#04
//	iat, exp         now, and five minutes later or when a certificate or a signed
//	                 policy expires
//	eat_nonce        the challenge of the request, base64url; absent without one
//	ear_verifier_id  this software and its version
//	ear_status       as in the one submodule
//	submods          one, named after the kind: "enclave" or "nitrotpm"
//
// In the submodule:
//
//	ear_status                  affirming, warning or contraindicated
//	ear_trustworthiness_vector  below
//	ear_appraisal_policy_ids    "<name>@sha256:<hex of the policy file>"
//	eat_nonce                   the nonce of an authentic document, base64url
//	ear_veraison_key_attestation  {"akpub": the public_key of a document that is
//	                            accepted, base64url}, where it is the DER of a
//	                            SubjectPublicKeyInfo
//	github.com/nitroattest/nitroattest  {"reason", "kind", "image", "debug", "module_id",
//	                            "timestamp", "public_key", "user_data",
//	                            "exchange_registers"}; all but the reason only of an
//	                            authentic document, bytes as hex; exchange_registers
//	                            are those that the request expects, as they were found
//
// The draft is of 26 May 2026. Of -04 itself the abstract was at hand and programs that
// follow it, of -03 (15 March) and of the editors' copy after -04 the whole text.
// In both, the claims above have one name and one meaning, and the profile names the
// draft, so that results say #04. Consumers that compare the profile with #03 can have
// that (--ear-draft 03); nothing else differs. What -04 adds is optional and not used:
// ear_attester_claims and ear_verifier_claims would hold what is in the claim with our
// name, which consumers read already. Nor is ear_raw_evidence, of either draft:
// whoever asks for a result has the document, and those to whom it goes on need not
// see it.
//
// A nonce of an EAT has 8 to 64 bytes (RFC 9711, section 4.1), one of a document
// up to 1024. Where it has another length, eat_nonce of the submodule is its
// SHA-384 in place of it. Challenges have 57 bytes and are never hashed.
//
// The trustworthiness vector, with the values of draft-ietf-rats-ar4si:
//
//	                       instance-   configu-  execu-   hardware
//	                       identity    ration    tables
//	accepted                   2          2        3          2
//	debug mode, allowed        2         32        3          2
//	debug mode, refused        2         96     3 or 96       2
//	registers do not match     2       2 or 96    96          2
//	nonce, age, binding,
//	registers of an exchange   2       2 or 96  3 or 96       2
//	certificate revoked       96          0        0         96
//	untrusted root, or
//	certificate out of date   97          0        0         97
//	chain or signature bad    99         99       99         99
//	not understood             1          1        1          1
//	challenge refused early    0          0        0          0
//
// 0 is no claim. The policy is a list of what is approved, so that executables
// outside of it are contraindicated and not just unrecognized; 3 and not 2, since
// registers tell what was booted and not what was loaded later. Nothing is said of
// the other four: documents do not speak of them. A challenge that was redeemed
// before leaves the values of a document that is accepted. The status is never
// better than the worst value, and always contraindicated when the answer is not
// "accepted": true: a stale document may come from good hardware with good code.
//
// # What clients can take
//
// Package connections has the rules by which connections are shared: 1,024 of
// them by default, a quarter at most for one client address, and 256 handshakes.
// A connection that asks for nothing costs some kilobytes. A body gets memory for
// 16 KiB, and what is larger has to fit into 16 MiB for all of them and a quarter
// of that for one client; otherwise the answer is 503. A header has at most 16 KiB
// and a handshake 32 KiB. The kernel keeps at most about 128 KiB in each direction
// of a connection. Go's runtime collects garbage as often as it takes to stay
// under 256 MiB, or what --memory-limit says. So at the default limits the process
// stays below 400 MiB resident, whatever its clients do; command loadtest makes
// the loads that come closest.
//
// # The end
//
// A service that is told to stop says so at /readyz, goes on accepting connections
// for as long as it was told, closes each with its next answer, and then finishes
// what it has begun. A balancer that looks at /readyz in that time and clients
// that use their connections lose no request. A connection that nobody uses in
// that time is closed at its end.
//
// # Files that change
//
// Policies, revocation lists, the certificate with its key, the authorities of
// clients and the key of attestation results are read again when the contents of
// their files change. What is broken leaves in use what was there before: a file
// that cannot be read or parsed, a certificate and a key that do not belong
// together. Policies are looked at as often as it takes at most a hundredth of a
// core; a hangup makes it look at once. The log, /readyz and nitroattest_policy_broken or
// nitroattest_file_broken say so until it is mended; /readyz stays ready, for
// taking every replica out of service for one mistake would help nobody. At the
// start every file has to be good, but for policies where that is tolerated. nitroattest_file_expiry_timestamp_seconds says
// when the certificate ends and when each list has to be replaced. Whoever writes
// two files one after the other may see the pair reported as broken for one look.
//
// All policies share the revocation lists, and a list counts for every
// verification that starts after it was read. They do not go back: a list that is
// older than the one of the same issuer, key and scope that it would replace is
// refused, so that whoever can replay an old list brings back nothing that was
// revoked since. Who signed a list shows only when a chain needs it. One
// that claims a later time and was signed by nobody takes the place of the good
// one; then the certificates that need it are refused, or let through by whoever
// chose insecure-accept, until a later one comes or the service is restarted,
// which forgets what it had.
//
// New connections go by the certificate and the authorities of the moment. One
// that was there before answers one more request and is closed, and so is one whose
// client has a certificate that has ended, or authorities whose list has.
//
// A new key signs at once. The one that it has replaced stays in /v1/keys for ten
// minutes, since results are valid for five; a restart drops it at once. Replicas
// that share the file take the key within one interval of each other, so that a
// consumer who finds no key with the ID of a result asks again.
//
// # Signed policies
//
// Whoever runs the service can require that every policy is signed, under a name
// that follows from its file: by keys (see package signedpolicy), or by people and
// workflows that have none (Sigstore bundles, see package sigstore), and then by the
// one identity and issuer that were asked for. Then a plain file is
// broken, and so is one with a lower version than was seen before. A newer one that
// has revoked all of its images, or has ended, takes the policy away that was there:
// requests for it get 503 with the type policy-unusable. The verdict,
// the attestation result and the audit log say who signed which version. From the
// end of a signed policy on, requests for it get 503 with the type policy-expired,
// until there is a newer one; nitroattest_policy_expiry_timestamp_seconds tells
// before.
//
// # Settings that are loud
//
// Every setting that leaves out a check or trusts somebody else, such as another
// root than AWS's, is a warning in the log at the start, one of /readyz, a metric,
// and a member of every attestation result, which names the hashes of the roots
// too. Where enclaves in debug mode are allowed, or module IDs of any form, a result
// is a warning at best.
//
// # What is logged
//
// One line for each request: its ID, who sent it, what came of it, and of an
// authentic document the module ID. Never a challenge, context, document, user data, key or
// the detail of a refusal, which may quote them.
//
// The audit log has one line for each verdict, before anybody is told of it; see
// [Audit].
//
// Sources: RFC 9457, RFC 9711, RFC 7517, RFC 7638; draft-ietf-rats-ear-04,
// draft-ietf-rats-ar4si (sections on enumeration encoding and specific claims).
package service
