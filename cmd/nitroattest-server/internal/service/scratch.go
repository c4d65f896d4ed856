package service

import (
	"bytes"
	"encoding/base64"
	"net/http"
	"sync"
)

// usualBody holds nearly every request: a document has some thousand bytes.
const usualBody = 16 << 10

// scratch is memory for the body of a request, for the document in it and for
// the answer. The next request gets it once this one is answered, so nothing that
// lives longer may lie in it: strings of JSON are copies, and a verifier copies
// the evidence before it looks at it. HTTP/1 has copied the answer when Write
// returns.
type scratch struct {
	body             bytes.Buffer
	document, answer []byte
}

var scratches = sync.Pool{New: func() any { return new(scratch) }}

func takeScratch() *scratch { return scratches.Get().(*scratch) }

// release gives the memory back, unless somebody made it large.
func (m *scratch) release() {
	if max(m.body.Cap(), cap(m.document), cap(m.answer)) > 2*usualBody {
		return
	}
	m.body.Reset()
	m.document, m.answer = m.document[:0], m.answer[:0]
	scratches.Put(m)
}

// readBody takes what a body of the usual size needs. A client that only claims
// to send more gets no more.
func (m *scratch) readBody(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	m.body.Grow(int(min(max(r.ContentLength, 0), usualBody)) + bytes.MinRead)
	_, err := m.body.ReadFrom(http.MaxBytesReader(w, r.Body, maxBody))
	return m.body.Bytes(), err
}

func (m *scratch) decodeBase64(text []byte) ([]byte, error) {
	data, err := base64.StdEncoding.AppendDecode(m.document[:0], text)
	m.document = data
	return data, err
}
