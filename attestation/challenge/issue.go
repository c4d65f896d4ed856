package challenge

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"errors"
)

// label separates these tags from anything else the key may be used for.
const label = "nitroattest/challenge v1"

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
	return append(nonce, tag(i.config.Keys[0], nonce, context)...), nil
}

// tag authenticates a header, whose length is fixed, and a context.
func tag(key, header, context []byte) []byte {
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(label))
	mac.Write(header)
	mac.Write(context)
	return mac.Sum(nil)
}

// checkContext refuses an empty context, which would stand for none: a session
// without an identifier would share its nonces with all others.
func checkContext(context []byte) error {
	if context != nil && len(context) == 0 {
		return errors.New("challenge: context: empty: it has at least one byte; nil means that there is none")
	}
	return nil
}
