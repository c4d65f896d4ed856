package challenge

import (
	"crypto/hmac"
	"crypto/sha256"
	"hash"
	"sync"
)

// label separates these tags from anything else the key may be used for.
const label = "nitroattest/challenge v1"

// mac authenticates with one key. An HMAC that is reset has hashed its key
// already, which is half of the work for a tag.
type mac struct{ ready sync.Pool }

func newMAC(key []byte) *mac {
	return &mac{sync.Pool{New: func() any { return hmac.New(sha256.New, key) }}}
}

// tag authenticates a header, whose length is fixed, and a context.
func (m *mac) tag(header, context []byte) []byte {
	h := m.ready.Get().(hash.Hash)
	defer m.ready.Put(h)
	h.Reset()
	h.Write([]byte(label))
	h.Write(header)
	h.Write(context)
	return h.Sum(nil)
}
