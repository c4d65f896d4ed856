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
//  3. The enclave answers with a document that holds the nonce, and in user_data
//     the SHA-256 of its certificate.
//  4. The client verifies the document by its policy, and that the hash is of
//     the certificate of this connection.
//  5. Only now is the connection handed on, with the [attestation.Result].
//     [Transport] sends the request; [FromContext] returns the result.
//  6. At Result.FreshUntil, three hours later at most, the connection is closed,
//     also in the middle of a response. The next request makes a new one.
//
// [Dialer] is this without HTTP requests on top, and [Hook] is for clients that
// want to shake hands themselves, for HTTP/2 or gRPC.
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
// connection, which programs behind a TLS library rarely can make; a [Binding]
// of your own can require it nevertheless.
//
// # What is bound to what
//
// There is no standard for the place of the certificate in the document. A
// [Binding] is what the client requires and a [Claim] what the server says:
//
//	BindCertificateHash       user_data = SHA-256(certificate)              the default
//	BindCertificateMultihash  user_data = 1220 || SHA-256(certificate) || 1220 || 32 bytes
//	BindKeyHash               user_data = SHA-256(SubjectPublicKeyInfo)
//	BindKeyInUserData         user_data = SubjectPublicKeyInfo
//	BindKeyInPublicKey        public_key = SubjectPublicKeyInfo
//
// The default leaves public_key to AWS KMS, and changes with every certificate.
// Each takes its own form only, for what a field means is what the code of the
// enclave means by it: 32 bytes may be the hash of something else.
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
// each connection; [Identity] gives out 50 in a second and takes nonces of 8 to
// 1024 bytes.
//
// [Transport] speaks HTTP/1.1, because the first request is the dialer's own and
// HTTP/2 does not let another one take over after it. It uses no proxy, because
// http.Transport would shake hands through one by itself; Config.Dial can go
// through one that leaves TLS whole, by CONNECT or SOCKS. Sessions are not
// resumed. When the request of a client is cancelled, its dial may go on up to
// Config.Timeout, as with any http.Transport.
//
// Behind a balancer every enclave has its own key. That is no matter to a
// Dialer, which asks on the connection that it has made; a Hook asks on another.
package attestedtls
