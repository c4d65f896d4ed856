// Package release hands a secret to an enclave that works on it, and the result
// back, through a parent instance that is not trusted with either.
//
//	owner                      parent                     enclave
//	nonce                        ->
//	                             <-      document with the nonce and a public key
//	verify, then
//	seal a key and the secret    ->
//	                             <-      the result, encrypted with that key
//
// The envelope is recipient.SealHPKE and not the one of AWS KMS, because the
// parent carries it and the content of the latter is not authenticated. Neither
// form says who sealed: the parent can send an envelope of its own, and the
// enclave would work on it. That is the parent's own secret then. The owner
// notices, since the result is not encrypted with the owner's key, and authenticates
// the very document and envelope that the owner saw and sent.
//
// The enclave makes a key pair for each exchange, so an envelope opens once and
// in one enclave. Symmetric keys and secrets are wiped after use; Go does not
// let a program wipe an ecdh.PrivateKey, nor the copies that a runtime makes.
package release
