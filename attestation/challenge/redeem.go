package challenge

import (
	"context"
	"crypto/hmac"
	"errors"
	"time"
)

// Redeem uses up a nonce. It returns nil for the first redemption of a nonce
// that this issuer, or another with the same keys, issued for the context and
// that has not expired, and for nothing else. Otherwise the error is an
// [*Error] with a [Reason], or says that the context cannot be used.
//
// Call it last, after everything else about the exchange was verified:
// [Issuer.Verify] does. After StoreUnavailable or StoreFull it can be called
// again until the nonce expires; after StoreUnavailable the answer may be
// AlreadyRedeemed, when the store had recorded the nonce and could not say so.
func (i *Issuer) Redeem(ctx context.Context, nonce, context []byte) error {
	if err := checkContext(context); err != nil {
		return err
	}
	now := i.config.Now()
	parts, refused := i.check(nonce, context, now)
	if refused != nil {
		return refused
	}
	if i.config.InsecureReuse {
		return nil
	}
	first, err := i.config.Store.Redeem(ctx, parts.id, now, parts.expires.Add(i.config.ClockSkew))
	switch {
	case errors.Is(err, StoreFull):
		return &Error{Reason: StoreFull, Detail: "the redemption was not recorded", Err: err}
	case err != nil:
		return &Error{Reason: StoreUnavailable, Detail: "it is not known whether this is the first redemption", Err: err}
	case !first:
		return refuse(AlreadyRedeemed, "nonce %s can be redeemed once", parts.id)
	}
	return nil
}

// RefuseEarly returns the error with which Redeem would refuse a nonce before it
// asks its store: about the length, the tag, the expiry or the context. It spares
// the caller who verifies evidence without [Issuer.Verify] to do so for a nonce
// that is refused in any case.
//
// Nil means only that there is no such error yet. It accepts nothing and uses
// nothing up, and a nonce that was redeemed before gets nil each time: Redeem
// has to come last all the same.
func (i *Issuer) RefuseEarly(nonce, context []byte) error {
	if err := checkContext(context); err != nil {
		return err
	}
	if _, refused := i.check(nonce, context, i.config.Now()); refused != nil {
		return refused
	}
	return nil
}

// check makes the checks that need no store.
func (i *Issuer) check(nonce, context []byte, now time.Time) (parts, *Error) {
	parts, refused := split(nonce)
	if refused != nil {
		return parts, refused
	}
	if !i.authentic(parts, context) {
		return parts, refuse(Unknown, "the tag is not that of any key of this issuer for this context")
	}
	// At its expiry itself a nonce has expired: the store forgets at the
	// earliest when the slowest clock shows that time.
	left := parts.expires.Sub(now)
	if left <= 0 {
		return parts, refuse(Expired, "found expiry %s, which is %s ago", parts.expires.Format(timeFormat), -left)
	}
	if limit := MaxLifetime + i.config.ClockSkew; left > limit {
		return parts, refuse(ExpiryOutOfRange, "found expiry %s, which is %s ahead, expected at most %s", parts.expires.Format(timeFormat), left, limit)
	}
	return parts, nil
}

const timeFormat = "2006-01-02T15:04:05.000Z07:00"

func (i *Issuer) authentic(nonce parts, context []byte) bool {
	for _, key := range i.keys {
		if hmac.Equal(nonce.tag, key.tag(nonce.header, context)) {
			return true
		}
	}
	return false
}
