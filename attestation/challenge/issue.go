package challenge

import (
	"crypto/rand"
	"encoding/binary"
	"errors"
)

// Issue returns a new nonce that is good for Config.Lifetime from now. A context
// has to be given again, the same, to redeem it. Nil: none; empty: an error.
// Nothing is stored.
func (i *Issuer) Issue(context []byte) (Nonce, error) {
	if err := checkContext(context); err != nil {
		return nil, err
	}
	expires := i.config.Now().Add(i.config.Lifetime).UnixMilli()
	if expires < 0 {
		return nil, errors.New("challenge: Config.Now: found a time before 1970")
	}
	nonce := make(Nonce, headerSize, NonceSize)
	nonce[0] = version
	binary.BigEndian.PutUint64(nonce[expiryOffset:], uint64(expires))
	rand.Read(nonce[idOffset:headerSize]) // never fails (crypto/rand)
	return append(nonce, i.keys[0].tag(nonce, context)...), nil
}

// checkContext refuses an empty context, which would stand for none: a session
// without an identifier would share its nonces with all others.
func checkContext(context []byte) error {
	if context != nil && len(context) == 0 {
		return errors.New("challenge: context: empty: it has at least one byte; nil means that there is none")
	}
	return nil
}
