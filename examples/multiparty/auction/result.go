package auction

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"slices"
)

// Result is what comes out of an auction.
type Result struct {
	Winner int // the place in Terms.Bidders
	Price  uint64
}

// encodeResult writes the winner, the price, and the digests of all envelopes in
// the order of the bidders, with the enclave's signature in front.
func encodeResult(r Result, i identity, digests [][sha256.Size]byte, key ed25519.PrivateKey) []byte {
	body := binary.BigEndian.AppendUint64([]byte{byte(r.Winner)}, r.Price)
	for _, digest := range digests {
		body = append(body, digest[:]...)
	}
	return append(ed25519.Sign(key, signedResult(i, body)), body...)
}

// readResult returns the result if the enclave with this identity signed it and
// counted the envelope of the bidder at this place.
func readResult(message []byte, terms Terms, i identity, place int, envelope []byte) (Result, error) {
	if len(message) != ed25519.SignatureSize+bidSize+len(terms.Bidders)*sha256.Size {
		return Result{}, errors.New("auction: the message is no result")
	}
	signature, body := message[:ed25519.SignatureSize], message[ed25519.SignatureSize:]
	if !ed25519.Verify(i.signer, signedResult(i, body), signature) {
		return Result{}, errors.New("auction: the result is not signed by the enclave for this auction")
	}
	if digest := sha256.Sum256(envelope); digest != [sha256.Size]byte(body[bidSize+place*sha256.Size:]) {
		return Result{}, errors.New("auction: another bid was counted in the place of this one")
	}
	return Result{int(body[0]), binary.BigEndian.Uint64(body[1:])}, nil
}

func signedResult(i identity, body []byte) []byte {
	return slices.Concat([]byte("nitroattest/examples/multiparty result v1"), i.bytes(), body)
}
