package signedpolicy

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
)

// publicKey is a key of one of the three algorithms.
type publicKey struct {
	id  string // of KeyID
	key crypto.PublicKey
}

func newPublicKey(key crypto.PublicKey) (publicKey, error) {
	switch k := key.(type) {
	case ed25519.PublicKey:
		if len(k) != ed25519.PublicKeySize {
			return publicKey{}, fmt.Errorf("found an Ed25519 key of %d bytes, expected %d", len(k), ed25519.PublicKeySize)
		}
	case *ecdsa.PublicKey:
		if k == nil || k.Curve != elliptic.P256() && k.Curve != elliptic.P384() {
			return publicKey{}, errors.New("found an ECDSA key on another curve, expected P-256 or P-384")
		}
		if _, err := k.ECDH(); err != nil {
			return publicKey{}, fmt.Errorf("found an ECDSA key that is no point on its curve: %w", err)
		}
	default:
		return publicKey{}, fmt.Errorf("found a key of type %T, expected Ed25519 or ECDSA on P-256 or P-384", key)
	}
	der, err := x509.MarshalPKIXPublicKey(key)
	if err != nil {
		return publicKey{}, err
	}
	digest := sha256.Sum256(der)
	return publicKey{hex.EncodeToString(digest[:]), key}, nil
}

// KeyID returns the SHA-256 of the key's DER SubjectPublicKeyInfo (RFC 5280,
// section 4.1.2.7) as 64 hex digits. It takes an [ed25519.PublicKey] or an
// [*ecdsa.PublicKey] on P-256 or P-384, and fails on any other key.
func KeyID(key crypto.PublicKey) (string, error) {
	k, err := newPublicKey(key)
	return k.id, err
}

// couldBe reports whether a signature has the form of this key's algorithm.
func (k publicKey) couldBe(signature []byte) bool {
	if _, ok := k.key.(ed25519.PublicKey); ok {
		return len(signature) == ed25519.SignatureSize
	}
	return len(signature) > 0 && signature[0] == 0x30 // SEQUENCE
}

func (k publicKey) verify(message, signature []byte) bool {
	switch key := k.key.(type) {
	case ed25519.PublicKey:
		return ed25519.Verify(key, message, signature)
	case *ecdsa.PublicKey:
		if key.Curve == elliptic.P256() {
			digest := sha256.Sum256(message)
			return ecdsa.VerifyASN1(key, digest[:], signature)
		}
		digest := sha512.Sum384(message)
		return ecdsa.VerifyASN1(key, digest[:], signature)
	}
	return false
}

// hash is what the algorithm hashes the message with before it signs.
func (k publicKey) hash() crypto.Hash {
	if key, ok := k.key.(*ecdsa.PublicKey); ok {
		if key.Curve == elliptic.P256() {
			return crypto.SHA256
		}
		return crypto.SHA384
	}
	return 0
}

// sign makes a signature and checks it: a signer may be a program or a device
// that holds another key than it says.
//
// It writes no key ID. Tools make theirs differently, and some skip a signature
// whose ID is not the one that they would have made.
func sign(key publicKey, signer crypto.Signer, message []byte) (signature, error) {
	sig, err := crypto.SignMessage(signer, rand.Reader, message, key.hash())
	if err != nil {
		return signature{}, fmt.Errorf("key %s: %w", key.id, err)
	}
	if !key.couldBe(sig) || !key.verify(message, sig) {
		return signature{}, fmt.Errorf("key %s: the signer returned a signature that its public key does not verify", key.id)
	}
	return signature{sig: sig}, nil
}

// ParsePublicKeys reads PEM with one or more blocks of type PUBLIC KEY, each a
// SubjectPublicKeyInfo with an Ed25519 key or an ECDSA key on P-256 or P-384.
// This is what cosign and openssl write. Any other block, and text after the
// last one, is an error.
func ParsePublicKeys(data []byte) ([]crypto.PublicKey, error) {
	var keys []crypto.PublicKey
	err := eachBlock(data, func(block *pem.Block) error {
		if block.Type != "PUBLIC KEY" {
			return fmt.Errorf("found %s, expected PUBLIC KEY", block.Type)
		}
		parsed, err := x509.ParsePKIXPublicKey(block.Bytes)
		if err != nil {
			return err
		}
		if _, err := newPublicKey(parsed); err != nil {
			return err
		}
		keys = append(keys, parsed)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return keys, nil
}

// ParsePrivateKey reads PEM with one block: PRIVATE KEY (PKCS #8) or EC PRIVATE
// KEY (SEC 1), of the algorithms of [ParsePublicKeys]. Keys that are encrypted,
// as those of cosign are, cannot be read.
func ParsePrivateKey(data []byte) (crypto.Signer, error) {
	var signer crypto.Signer
	err := eachBlock(data, func(block *pem.Block) error {
		if signer != nil {
			return errors.New("found a second key, expected one")
		}
		var parsed any
		var err error
		switch block.Type {
		case "PRIVATE KEY":
			parsed, err = x509.ParsePKCS8PrivateKey(block.Bytes)
		case "EC PRIVATE KEY":
			parsed, err = x509.ParseECPrivateKey(block.Bytes)
		default:
			return fmt.Errorf("found %s, expected PRIVATE KEY or EC PRIVATE KEY", block.Type)
		}
		if err != nil {
			return err
		}
		s, ok := parsed.(crypto.Signer)
		if !ok {
			return fmt.Errorf("found a key of type %T, expected one that signs", parsed)
		}
		if _, err := newPublicKey(s.Public()); err != nil {
			return err
		}
		signer = s
		return nil
	})
	if err != nil {
		return nil, err
	}
	return signer, nil
}

// eachBlock goes through PEM that holds at least one block.
func eachBlock(data []byte, f func(*pem.Block) error) error {
	for n := 1; ; n++ {
		block, rest := pem.Decode(data)
		if block == nil {
			if n == 1 {
				return errors.New("found no PEM block, expected -----BEGIN")
			}
			if len(trimSpace(data)) > 0 {
				return fmt.Errorf("found text after PEM block %d, expected another block or the end", n-1)
			}
			return nil
		}
		if err := f(block); err != nil {
			return fmt.Errorf("PEM block %d: %w", n, err)
		}
		data = rest
	}
}

func trimSpace(data []byte) []byte {
	for len(data) > 0 && (data[0] == '\n' || data[0] == '\r' || data[0] == ' ' || data[0] == '\t') {
		data = data[1:]
	}
	return data
}
