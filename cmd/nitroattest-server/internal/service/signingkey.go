package service

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
)

// signingKey is a private key on P-384 and what is published of it.
type signingKey struct {
	private *ecdsa.PrivateKey
	jwk     jwk
}

// jwk is a public key in the form of RFC 7517 and RFC 7518, section 6.2.
type jwk struct {
	KeyType   string `json:"kty"`
	Curve     string `json:"crv"`
	X         string `json:"x"`
	Y         string `json:"y"`
	Use       string `json:"use"`
	Algorithm string `json:"alg"`
	KeyID     string `json:"kid"`
}

// parseSigningKey reads PEM, PKCS #8 or SEC 1.
func parseSigningKey(data []byte) (*signingKey, error) {
	key, err := parseKey(data)
	if err != nil {
		return nil, err
	}
	if key.Curve != elliptic.P384() {
		return nil, fmt.Errorf("found a key on %s, expected P-384", key.Curve.Params().Name)
	}
	point, err := key.PublicKey.Bytes() // 4, x and y
	if err != nil {
		return nil, err
	}
	encode := base64.RawURLEncoding.EncodeToString
	public := jwk{KeyType: "EC", Curve: "P-384", X: encode(point[1:49]), Y: encode(point[49:]), Use: "sig", Algorithm: "ES384"}
	// The key ID is the thumbprint of RFC 7638, so that it follows from the key.
	sum := sha256.Sum256(fmt.Appendf(nil, `{"crv":"P-384","kty":"EC","x":"%s","y":"%s"}`, public.X, public.Y))
	public.KeyID = encode(sum[:])
	return &signingKey{key, public}, nil
}

func parseKey(data []byte) (*ecdsa.PrivateKey, error) {
	for block, rest := pem.Decode(data); block != nil; block, rest = pem.Decode(rest) {
		switch block.Type {
		case "EC PARAMETERS": // openssl ecparam -genkey puts it first
		case "EC PRIVATE KEY":
			return x509.ParseECPrivateKey(block.Bytes)
		case "PRIVATE KEY":
			key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
			if err != nil {
				return nil, err
			}
			if ec, ok := key.(*ecdsa.PrivateKey); ok {
				return ec, nil
			}
			return nil, fmt.Errorf("found a %T, expected an ECDSA key on P-384", key)
		default:
			return nil, fmt.Errorf("found a PEM block %q, expected a private key without a passphrase", block.Type)
		}
	}
	return nil, errors.New("found no PEM block, expected a private key")
}
