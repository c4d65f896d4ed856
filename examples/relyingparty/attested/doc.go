// Package attested is middleware for net/http: handlers behind it are reached
// only by enclaves that have been attested.
//
//	POST /challenge    a nonce
//	POST /session      a document with the nonce in; a session key, sealed
//	any other path     with "Authorization: Bearer <session key>"
//
// A document does not say who sent it: whoever sees one pass by, the parent
// instance first of all, could present it. So the session key is sealed to the
// RSA key in the document's public_key (package recipient), and the enclave is
// the only one that can open it. From there on it is as safe as the connection:
// use TLS that ends in the enclave.
//
// A session ends after its lifetime, and before that when a certificate of the
// document expires. Sessions are kept in the memory of one process.
package attested
