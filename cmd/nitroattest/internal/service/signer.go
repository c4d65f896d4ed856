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
	"net/http"

	"github.com/golang-jwt/jwt/v5"
)

// Signer signs attestation results with ES384 (RFC 7518, section 3.4).
type Signer struct {
	key     *ecdsa.PrivateKey
	keyID   string
	jwk     jwk
	version string
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

// ParseSigner reads a private P-384 key in PEM, PKCS #8 or SEC 1. The version is
// that of this software, which every result names.
func ParseSigner(data []byte, version string) (*Signer, error) {
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
	s := &Signer{key: key, version: version, jwk: jwk{
		KeyType: "EC", Curve: "P-384", X: encode(point[1:49]), Y: encode(point[49:]), Use: "sig", Algorithm: "ES384"}}
	// The key ID is the thumbprint of RFC 7638, so that it follows from the key.
	sum := sha256.Sum256(fmt.Appendf(nil, `{"crv":"P-384","kty":"EC","x":"%s","y":"%s"}`, s.jwk.X, s.jwk.Y))
	s.keyID = encode(sum[:])
	s.jwk.KeyID = s.keyID
	return s, nil
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

// sign returns the compact form of a JWT. Its type is that of RFC 9782, so that
// it is not taken for a token of another purpose (RFC 8725, section 3.11).
func (s *Signer) sign(claims jwt.MapClaims) (string, error) {
	token := jwt.NewWithClaims(jwt.SigningMethodES384, claims)
	token.Header["typ"] = "eat+jwt"
	token.Header["kid"] = s.keyID
	return token.SignedString(s.key)
}

// keys answers GET /v1/keys with a JWK set, an empty one without a signer.
func (s *Service) keys(w http.ResponseWriter, _ *http.Request, _ *entry) error {
	set := struct {
		Keys []jwk `json:"keys"`
	}{[]jwk{}}
	if s.config.Signer != nil {
		set.Keys = append(set.Keys, s.config.Signer.jwk)
	}
	return writeJSON(w, http.StatusOK, set)
}
