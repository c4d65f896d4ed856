// Package attestedtls makes TLS connections that end in an attested enclave.
//
// An attestation document says which code an enclave runs. It does not say who
// is at the other end of a connection: a document can be passed on by anyone
// who gets hold of it, and with a fresh nonce too, by asking the enclave. This
// package ties the two together, before a byte of a request is sent.
//
// A client needs a verifier, with the images that it trusts:
//
//	transport, err := attestedtls.NewTransport(attestedtls.Config{Verifier: verifier})
//	if err != nil {
//		return err
//	}
//	client := &http.Client{Transport: transport}
//	response, err := client.Get("https://enclave.example/")
//
// A server in an enclave needs the device that makes documents:
//
//	identity, err := attestedtls.NewIdentity(attestedtls.IdentityConfig{Attester: device})
//	if err != nil {
//		return err
//	}
//	mux.Handle(attestedtls.DefaultPath, identity)
//	server := &http.Server{Handler: mux}
//	identity.Configure(server)
//	return server.ListenAndServeTLS("", "")
//
// device is an *nsm.Device there, and in a test an *attestationtest.NSM. Enclaves
// have no network but vsock: either a program in the enclave passes connections
// on to this port, or ServeTLS gets a listener of vsock. The parent instance
// passes on TCP; TLS must not end there.
//
// # A connection
//
//  1. The client shakes hands. In TLS 1.3 the server signs the transcript, so
//     it has the private key of the certificate that it shows. Nobody has said
//     yet that the certificate is a good one.
//  2. On this connection the client sends a nonce of 32 random bytes that it
//     made for this connection: GET /.well-known/nitro-attestation?nonce=<hex>,
//     with no header field, name or cookie of the request that is to follow.
//  3. The enclave answers with a document that holds a hash of the nonce, and in
//     user_data a label and the SHA-256 of its certificate.
//  4. The client verifies the document by its policy, and that the hashes are of
//     this nonce and of the certificate of this connection.
//  5. Only now is the connection handed on, with the [attestation.Result].
//     [Transport] sends the request; [FromContext] returns the result.
//  6. At Result.FreshUntil, three hours later at most, the connection is closed,
//     also in the middle of a response. The next request makes a new one.
//
// [Dialer] is this without HTTP requests on top, and [Hook] is for clients that
// want to shake hands themselves, for HTTP/2 or gRPC; it takes the bindings of this
// package only.
//
// # Why this suffices
//
// The chain has these links. AWS's key says that the code with these
// measurements asked for this document. The policy says that this code is
// trusted, and so is what it says in user_data: "this certificate is mine". The
// handshake says that whoever is on the connection has the key. If the key was
// made in the enclave and never leaves it, which is the code's promise, then
// it is the enclave. The nonce says that the promise is of today.
//
// A man in the middle has to end TLS, to read or change anything. He can get a
// genuine document for the client's nonce, but it names the enclave's
// certificate, and he has the key of another: [NotBound]. If he passes on what
// is encrypted, he is a router.
//
// The document could name the connection itself instead, by a value exported
// from its keys (RFC 9266). It would prove the same and one thing more: that the
// document was made for this very connection and not for another one to the
// same key. As long as the key is in one place there is nobody to whom this
// makes a difference. It would cost the server a document that depends on the
// connection, which programs behind a TLS library rarely can make; a [Check] of
// your own can require it nevertheless, see [NewBinding].
//
// # What is bound to what
//
// There is no standard for the place of the certificate in the document. A
// [Binding] is what the server says and the client requires, in one value:
//
//	Labelled              user_data = label || SHA-256(certificate), the nonce hashed   the default
//	CertificateHash       user_data = SHA-256(certificate)
//	CertificateMultihash  user_data = 1220 || SHA-256(certificate) || 1220 || 32 bytes
//	KeyHash               user_data = SHA-256(SubjectPublicKeyInfo)
//	KeyInUserData         user_data = SubjectPublicKeyInfo
//	KeyInPublicKey        public_key = SubjectPublicKeyInfo
//
// The default leaves public_key to AWS KMS, and changes with every certificate.
// Each takes its own form only, for what a field means is what the code of the
// enclave means by it: 32 bytes may be the hash of something else.
//
// A server of these documents answers whoever asks. With [Labelled] its answers are
// of use for nothing else, because a nonce that others gave out is never in one.
// With the other bindings it is: somebody without an enclave can have the nonce of
// another protocol answered here, and a relying party there who asks for no more
// than a nonce takes the document for that of whoever sent it. Such a relying
// party should ask for what its own protocol has in user_data and public_key, or
// for null, with attestation.Expect.NoUserData and NoPublicKey.
//
// # Servers of other frameworks
//
// Config says how the document is asked for, how it is found in the answer, and
// how it is bound. Each line has a test:
//
//	nitriding (brave/nitriding-daemon)      Path: "/enclave/attestation", NonceSize: 20,
//	                                        Binding: CertificateMultihash([32]byte{})
//	JSON with the document in base64        Decode: DecodeJSON("attestation", "document")
//	POST of a nonce in JSON                 Ask: AskJSON("nonce_b64"), Decode: DecodeJSON("document")
//	the document in hex                     Decode: DecodeHex
//	a document without a nonce, made        WithoutNonce: true,
//	  now and then                          Expect: attestation.Expect{MaxAge: 10 * time.Minute}
//	the document in the certificate         InCertificate: CertificateExtension(id), WithoutNonce: true,
//	                                        Expect with MaxAge, Binding: KeyInPublicKey() or another of a key
//	a server of this package                the zero values
//
// Path and Binding go with each of them. The document in binary or in base64 needs
// no Decode. A server that closes the connection after its answer cannot be used,
// for the document is good for no other connection, nor one that answers over
// plain HTTP, which binds it to nothing.
//
// # What an enclave has to do
//
//   - Make the key inside, as [NewIdentity] does. A key that comes from the
//     parent instance, or is in the image, is everybody's.
//   - Never let others choose user_data or public_key of a document, or they name
//     a certificate of their own. That is for all code with the same image.
//   - Have entropy when the key is made. The kernel's driver takes it from the
//     hypervisor since Linux 6.8; for older ones, GetRandom of package nsm returns
//     bytes to write to /dev/random.
//
// # What this does not say
//
//   - Whose enclave it is. The image is known to anybody it was given to, and
//     anybody can start it in an account of their own. Where this matters the
//     policy lists PCR3 (the role of the parent instance), PCR4 (the instance) or
//     another register that only the owner can have, or Config.TLS asks for a
//     certificate authority that only the owner gets certificates from.
//   - Which host name it has. Without Config.TLS names are not compared.
//   - Who the client is. Client certificates in Config.TLS do.
//   - That the code is a good one, or was not taken over since it was started.
//   - When requests are sent, how long they are and to which address: the parent
//     instance sees that, and can drop all of it.
//
// # Limits
//
// A server that is not trusted yet gets little: an answer of 16 KiB beside the
// document, 32 KiB of document, 15 seconds in all. What it says is not
// repeated in errors. Clients cost the enclave one signature of the hypervisor for
// each connection. [Identity] gives out 50 in a second, half of them to one client
// and one to a connection, and takes nonces of 8 to 1024 bytes. A client that comes
// too late for one is told [Busy], which is not [Refused]: it can try again.
//
// [Transport] speaks HTTP/1.1, because the first request is the dialer's own and
// HTTP/2 does not let another one take over after it. Sessions are not resumed.
// When the request of a client is cancelled, its dial may go on up to
// Config.Timeout, as with any http.Transport. Redirects are followed by
// http.Client as always, to https URLs only, and each connection is attested
// anew. A proxy is used if Config.Proxy names one: set it to
// http.ProxyFromEnvironment for HTTPS_PROXY. It gets a CONNECT and passes on TLS as
// it is; proxies other than of scheme http are refused. For servers of
// net/http/httptest see [Identity.TLSConfig].
//
// Behind a balancer every enclave has its own key. That is no matter to a
// Dialer, which asks on the connection that it has made; a Hook asks on another.
// Where a session has to stay with one enclave, Config.OnChange tells of a change
// or refuses it.
package attestedtls
