// Package auction has parties who trust neither each other nor the machine sell
// to the highest bidder: each seals a bid to an enclave that it has verified, and
// the highest bid is all that comes out.
//
//	bidder                     parent                     enclave
//	nonce                        ->
//	                             <-      document: nonce, key to seal to, identity
//	verify with a policy of one's own, then
//	seal and sign the bid        ->
//	                                     when every bidder's bid is in:
//	                             <-      winner, price, digests of all bids; signed
//
// Each bidder has a verifier of its own, and so its own idea of which image may
// see a bid. Whoever is not satisfied sends nothing, and then there is no
// auction.
//
// # What binds what
//
// The [Terms] say who may bid, by public keys, so that the parent cannot fill the
// places with bids of its own and learn a bid by who wins. user_data of the
// document is the identity of the enclave in this auction: the digest of the
// terms, and the key that it signs the result with. A bidder compares the digest
// with the terms it agreed to, and later the signature with the key.
//
// A bid is signed by its bidder together with that identity, and the bidder's
// place is sealed with the amount, so that nobody can hand in another's envelope
// as his own. The result holds the digest of every envelope: each bidder sees
// that its own bid was counted, and all of them that there was one auction.
//
// An enclave holds one auction. It takes one bid from each bidder, and wipes the
// amounts when it knows the highest. Its private keys end with it; Go does not
// let a program wipe an ecdh.PrivateKey.
package auction
