package auction

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
)

// MaxBidders is how many bidders an auction can have.
const MaxBidders = 64

// Terms are what all bidders agree on beforehand. They are not secret.
type Terms struct {
	Lot     string // what is sold, and when: no two auctions have the same
	Bidders []ed25519.PublicKey
}

func (t Terms) check() error {
	if len(t.Bidders) < 2 || len(t.Bidders) > MaxBidders {
		return fmt.Errorf("auction: found %d bidders, expected 2 to %d", len(t.Bidders), MaxBidders)
	}
	seen := map[string]bool{}
	for i, key := range t.Bidders {
		if len(key) != ed25519.PublicKeySize || seen[string(key)] {
			return fmt.Errorf("auction: the key of bidder %d is none, or another bidder's", i)
		}
		seen[string(key)] = true
	}
	return nil
}

func (t Terms) digest() [sha256.Size]byte {
	text := binary.BigEndian.AppendUint32([]byte("nitroattest/examples/multiparty terms v1"), uint32(len(t.Lot)))
	text = append(text, t.Lot...)
	for _, key := range t.Bidders {
		text = append(text, key...)
	}
	return sha256.Sum256(text)
}

// identity is what user_data holds: the enclave's part in one auction.
type identity struct {
	terms  [sha256.Size]byte
	signer ed25519.PublicKey
}

func (i identity) bytes() []byte { return append(i.terms[:], i.signer...) }

var errTerms = errors.New("auction: the enclave holds another auction")

// readIdentity returns the identity in the user_data of a verified document if
// it is for these terms.
func (t Terms) readIdentity(userData []byte) (identity, error) {
	if len(userData) != sha256.Size+ed25519.PublicKeySize {
		return identity{}, fmt.Errorf("auction: found %d bytes of user_data, expected %d", len(userData), sha256.Size+ed25519.PublicKeySize)
	}
	i := identity{[sha256.Size]byte(userData), ed25519.PublicKey(userData[sha256.Size:])}
	if i.terms != t.digest() {
		return identity{}, errTerms
	}
	return i, nil
}
