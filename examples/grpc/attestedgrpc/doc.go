// Package attestedgrpc has gRPC transport credentials for connections that end in
// an attested enclave.
//
// Each connection attests itself before gRPC says a word on it. After the TLS
// handshake the client sends the request of package attestedtls, GET
// /.well-known/nitro-attestation?nonce=<hex>; the enclave answers with a document
// that names the certificate of the connection; the client verifies it, and then
// HTTP/2 begins. So nothing depends on a second connection that a load balancer
// would lead elsewhere, and no method is called, nor a name of one sent, before the
// client knows who is there.
//
// When the document means nothing any more, the connection is closed, and gRPC
// makes another one.
package attestedgrpc
