package recipient

import (
	"bytes"
	"crypto/rsa"
	"crypto/x509"
)

// Bounds on RSA keys. AWS KMS takes RSA keys in attestation documents; below
// 2048 bits they are too weak, and above 4096 they cost much and add nothing.
// The other criteria are those of FIPS 186-5, appendix A.1.1.
const (
	minModulusBits = 2048
	maxModulusBits = 4096
	minExponent    = 1<<16 + 1
)

// checkPublicKey refuses what crypto/rsa would, in FIPS 140-only mode as well.
func checkPublicKey(key *rsa.PublicKey) error {
	if key.N == nil || key.N.Sign() <= 0 {
		return errorf(InvalidKey, "found an RSA key without a positive modulus")
	}
	if bits := key.N.BitLen(); bits < minModulusBits || bits > maxModulusBits || bits%2 != 0 {
		return errorf(InvalidKey, "found an RSA modulus of %d bits, expected an even number from %d to %d", bits, minModulusBits, maxModulusBits)
	}
	if key.N.Bit(0) == 0 {
		return errorf(InvalidKey, "found an even RSA modulus, expected an odd one")
	}
	if key.E < minExponent || key.E&1 == 0 {
		return errorf(InvalidKey, "found RSA exponent %d, expected an odd number from %d", key.E, minExponent)
	}
	return nil
}

// checkPrivateKey leaves no fault of the key for the decryption to find, so
// that a decryption fails only because of what it decrypts.
func checkPrivateKey(key *rsa.PrivateKey) error {
	if key == nil {
		return errorf(InvalidKey, "found no RSA key, expected one")
	}
	if err := checkPublicKey(&key.PublicKey); err != nil {
		return err
	}
	if len(key.Primes) != 2 {
		return errorf(InvalidKey, "found an RSA key of %d primes, expected 2", len(key.Primes))
	}
	if key.Validate() != nil {
		return errorf(InvalidKey, "found an RSA private key whose parts do not belong together")
	}
	if key.Primes[0].BitLen() != key.Primes[1].BitLen() {
		return errorf(InvalidKey, "found RSA primes of different lengths, expected equal ones")
	}
	return nil
}

// parsePublicKey reads the public_key of a document as the DER of an RSA
// SubjectPublicKeyInfo (RFC 5280, section 4.1; RFC 3279, section 2.3.1). It
// takes the one encoding whose hash the holder of the key can compute from the
// key alone.
func parsePublicKey(spki []byte) (*rsa.PublicKey, error) {
	if len(spki) == 0 {
		return nil, errorf(InvalidKey, "found no public_key in the document, expected one")
	}
	parsed, err := x509.ParsePKIXPublicKey(spki)
	if err != nil {
		return nil, errorf(InvalidKey, "found a public_key of %d bytes, expected the DER of an RSA SubjectPublicKeyInfo", len(spki))
	}
	key, ok := parsed.(*rsa.PublicKey)
	if !ok {
		return nil, errorf(InvalidKey, "found a public_key of type %T, expected an RSA key", parsed)
	}
	if err := checkPublicKey(key); err != nil {
		return nil, err
	}
	if canonical, err := x509.MarshalPKIXPublicKey(key); err != nil || !bytes.Equal(canonical, spki) {
		return nil, errorf(InvalidKey, "found a public_key in another encoding of its RSA key than DER")
	}
	return key, nil
}
