package auction

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"slices"
)

// A bid as it is sealed: the bidder's place and the amount. All bids have the
// same length, which so says nothing of the amount.
const bidSize = 1 + 8

func encodeBid(place int, amount uint64) []byte {
	return binary.BigEndian.AppendUint64([]byte{byte(place)}, amount)
}

func decodeBid(plaintext []byte, place int) (amount uint64, err error) {
	if len(plaintext) != bidSize || int(plaintext[0]) != place {
		return 0, errors.New("auction: the envelope holds no bid of this bidder")
	}
	return binary.BigEndian.Uint64(plaintext[1:]), nil
}

// A submission is the bidder's place, its signature, and the envelope.
type submission struct {
	place     int
	signature []byte
	envelope  []byte
}

func (s submission) bytes() []byte {
	return slices.Concat([]byte{byte(s.place)}, s.signature, s.envelope)
}

// readSubmission checks the signature, so that nothing is opened that does not
// come from a bidder.
func readSubmission(message []byte, terms Terms, i identity) (submission, error) {
	if len(message) < 1+ed25519.SignatureSize || int(message[0]) >= len(terms.Bidders) {
		return submission{}, errors.New("auction: the message is no bid")
	}
	s := submission{int(message[0]), message[1 : 1+ed25519.SignatureSize], message[1+ed25519.SignatureSize:]}
	if !ed25519.Verify(terms.Bidders[s.place], signedBid(i, s.envelope), s.signature) {
		return submission{}, errors.New("auction: the bid is not signed by its bidder for this auction")
	}
	return s, nil
}

func signedBid(i identity, envelope []byte) []byte {
	digest := sha256.Sum256(envelope)
	return slices.Concat([]byte("nitroattest/examples/multiparty bid v1"), i.bytes(), digest[:])
}
