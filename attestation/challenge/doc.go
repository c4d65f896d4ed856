// Package challenge hands out nonces and redeems each of them once.
//
// A relying party gives a nonce to whoever asks to be trusted, the enclave has
// it put into its attestation document, and the relying party expects it there
// (attestation.Expect.Nonce). That shows that the document was made after the
// nonce, so for this exchange and not for an older one. It leaves two things
// to the relying party: to know its nonces again, and to take each only once.
// This package does both, on any number of replicas.
//
// An [Issuer] keeps nothing when it hands out a nonce: the nonce carries its
// expiry and is authenticated with a key, so every replica that has the key
// knows it again, and asking for millions of them fills no memory. Only
// redemption leaves a trace, in a [Store].
//
//	issuer, err := challenge.New(challenge.Config{Keys: keys, Store: store})
//
//	nonce, err := issuer.Issue(session)           // to the client, as text or bytes
//	result, err := issuer.Verify(ctx, verifier, challenge.Response{
//		Evidence: evidence, Nonce: nonce, Context: session,
//	}, attestation.Expect{})
//
// # The format
//
//	 0   1 byte    version, 0x01
//	 1   8 bytes   expiry in milliseconds since 1970, big-endian
//	 9  16 bytes   random
//	25  32 bytes   HMAC-SHA-256 (RFC 2104) under the key of
//	               "nitroattest/challenge v1" || bytes 0 to 24 || context
//
// These are [NonceSize] = 57 bytes, which fit the nonce field of a document (at
// least 512 bytes) and that of an Entity Attestation Token (8 to 64 bytes, RFC
// 9711, section 4.1). The text form is base64url without padding (RFC 4648,
// section 5), 76 characters. The ASCII label comes first so that the key's tags
// can be taken for nothing else; everything before the context has a fixed
// length, so that no two inputs have the same bytes.
//
// The context is what a nonce is good for beside time: a session, a client's
// identity, a purpose. It is authenticated and not carried, so it stays
// private and has to be given again to redeem. A nonce for one session is
// unknown in another. Without it, whoever gets hold of a nonce can use it in
// an exchange of their own.
//
// # What redeeming once adds
//
// A document is authentic until its leaf certificate expires, up to three hours.
// With Expect.MaxAge, a copy works until it is too old. With a nonce that is
// only authenticated, a copy works until the nonce expires: the relying party
// knows that the nonce is one of its own, and not that it has been used. With
// redemption, the first who presents a nonce with a good document is the last.
// That is what keeps someone who sees a document pass by, the parent instance
// first of all, from presenting it as well. It does not tell who came first:
// only a key in public_key or user_data, used on the connection, shows that
// the peer is the enclave.
//
// # Verify first, then redeem
//
// [Issuer.Verify] does so, in this order: the checks of the nonce that cost a
// microsecond (length, tag, expiry); the document, with its five signatures;
// the store. Garbage gets nowhere near the store, and a nonce is used up only
// by a document that passed, so that nobody can burn the nonce of somebody else
// by sending it with a bad one. Documents that fail cost their verification
// each time, but nonces are free, so redeeming first would not save it. Of
// several equal responses that are verified at the same time, one gets through
// the store.
//
// [Issuer.VerifyParsed] is the same for a document that was parsed already, and
// takes the nonce out of it. All fields of attestation.Expect but Nonce go on to
// the verifier: registers of the exchange, and fields that have to be null.
//
// [Issuer.Redeem] alone is for evidence that package attestation does not
// verify, and for who wants an attestation.Report. It comes last there too: after
// everything else has passed, and before anything is done about it.
// [Issuer.RefuseEarly] comes first there, so that a forged or expired nonce costs
// no verification. It can only refuse: what it lets through may be redeemed
// already, and is not good before Redeem says so.
//
// # Stores
//
// One-time holds as far as the store does. [Memory] belongs to one process, so
// its issuer makes itself a random key that dies with it: a second replica or
// the next start knows neither the nonces nor the redemptions, and refuses.
// Giving it a key is an error, since a replica with the same key and another
// memory would accept what this one has redeemed. Several replicas share Keys
// and a store: package redisstore, or a database with a unique index.
//
// A store that cannot answer refuses, and so does one that is full. It is asked
// to remember a redemption until the nonce's expiry and ClockSkew after that,
// because the clocks of replicas differ: as long as no two are further apart than
// that, there is no moment at which the store has forgotten a nonce that some
// replica still takes for good. The store's own clock may show any time, but
// what it gains on theirs in the meantime counts too. A clock that jumps further
// breaks the promise. [Memory] holds even then: it refuses what expires no later
// than anything it has forgotten.
//
// What a store sees is an [ID], the random part of the nonce. Not the document
// and not its signature: a valid signature can be turned into another valid one
// by anyone.
//
// # Keys
//
// A key is 32 to 64 random bytes, from a secret store and not from a passphrase.
// Who has it can make nonces, and so get documents in stock that are presented
// later; they still cannot use one twice. To replace a key: append the new one
// to Keys on all replicas; then, on all, move it to the front, where it issues;
// then, after one Lifetime, remove the old one. Services that should not
// accept each other's nonces have different keys.
//
// # What it does not do
//
// It does not limit how many nonces someone is given. It does not hide when a
// nonce was issued. It does not keep whoever can write to the store from
// deleting redemptions, nor whoever has been given a nonce from passing it on.
//
// All cryptography is Go's standard library and works in its FIPS 140-only mode.
//
// Sources: RFC 2104 (HMAC), RFC 9334, section 10 (freshness), RFC 9711, section
// 4.1 (nonces), RFC 4648, section 5 (text form).
package challenge
