package attestationtest

import (
	"crypto"
	"crypto/ecdsa"
	_ "crypto/sha256" // for hashes that a mutation asks for
	_ "crypto/sha512"
	"encoding/asn1"
	"math/big"
)

// signASN1 signs with the deterministic ECDSA of RFC 6979, which is what
// crypto/ecdsa does when it is given no source of randomness. The signature is
// empty when key and hash cannot sign, so that a mutation may leave either
// unusable.
func signASN1(key *ecdsa.PrivateKey, hash crypto.Hash, message []byte) []byte {
	if key == nil || key.Curve == nil || !hash.Available() {
		return nil
	}
	h := hash.New()
	h.Write(message)
	signature, err := key.Sign(nil, h.Sum(nil), hash)
	if err != nil {
		return nil
	}
	return signature
}

// signRaw is signASN1 in the form of COSE: r || s, each as long as the order
// of the curve and at least the 48 bytes of P-384 (RFC 9053, section 2.1).
func signRaw(key *ecdsa.PrivateKey, hash crypto.Hash, message []byte) []byte {
	r, s, ok := splitASN1(signASN1(key, hash, message))
	if !ok {
		return nil
	}
	size := max(coordinateSize, (key.Curve.Params().N.BitLen()+7)/8)
	return append(r.FillBytes(make([]byte, size)), s.FillBytes(make([]byte, size))...)
}

func splitASN1(signature []byte) (r, s *big.Int, ok bool) {
	var value struct{ R, S *big.Int }
	_, err := asn1.Unmarshal(signature, &value)
	return value.R, value.S, err == nil
}

// coordinateSize is the length of a coordinate and of a scalar of P-384.
const coordinateSize = 48
