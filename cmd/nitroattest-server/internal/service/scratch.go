package service

import (
	"encoding/base64"
	"net/netip"
	"sync"
)

// scratch is memory for the body of a request, for the document in it and for
// the answer. The next request gets it once this one is answered, so nothing that
// lives longer may lie in it: strings of JSON are copies, and a verifier copies
// the evidence before it looks at it. HTTP/1 has copied the answer when Write
// returns.
type scratch struct {
	body, document, answer []byte

	budget *budget
	client netip.Prefix // who has
	taken  int          // out of the budget
}

var scratches = sync.Pool{New: func() any { return new(scratch) }}

func takeScratch(b *budget) *scratch {
	m := scratches.Get().(*scratch)
	m.budget = b
	return m
}

// release gives the memory back, unless somebody made it large.
func (m *scratch) release() {
	if m.taken > 0 {
		m.budget.give(m.client, m.taken)
		m.taken = 0
	}
	if max(cap(m.body), cap(m.document), cap(m.answer)) > 2*usualBody {
		return
	}
	m.body, m.document, m.answer = m.body[:0], m.document[:0], m.answer[:0]
	scratches.Put(m)
}

func (m *scratch) decodeBase64(text []byte) ([]byte, error) {
	data, err := base64.StdEncoding.AppendDecode(m.document[:0], text)
	m.document = data
	return data, err
}
