package challenge

import (
	"context"
	"encoding/hex"
	"time"
)

// ID identifies a nonce in a [Store]: its 16 random bytes. It is no secret and
// cannot be turned back into the nonce.
type ID [idSize]byte

// String returns 32 hex digits.
func (id ID) String() string { return hex.EncodeToString(id[:]) }

// Store remembers which nonces were redeemed. It is safe for concurrent use, by
// all replicas at once if it is shared.
//
// An issuer asks it only about nonces that are its own and have not expired.
type Store interface {
	// Redeem records id and reports whether it was the first to do so, in one
	// step that nothing can come between. It returns true only if id was not
	// recorded before and is recorded now, and then remembers it until the time
	// until. When it cannot tell it returns false, or an error, which refuses
	// the nonce whatever first says. One that has no room returns an error that
	// wraps StoreFull; it must not forget another id early to make room.
	//
	// Both times are by the clock of the issuer. A store with a clock of its own
	// goes by the difference, so that it need not agree with it.
	Redeem(ctx context.Context, id ID, now, until time.Time) (first bool, err error)
}
