//go:build !noreport

package api

import (
	"bytes"
	"errors"

	"github.com/nitroattest/nitroattest/internal/page"
)

// Document is one that a report is to be about.
type Document struct {
	Name string
	Data []byte
}

// Report returns the HTML of internal/page about documents, which is what
// `nitroattest report` writes.
func (l *Library) Report(documents []Document, text []byte, version string) ([]byte, error) {
	if len(documents) == 0 {
		return nil, errors.New("found no document, expected at least one")
	}
	p, err := l.prepare(text)
	if err != nil {
		return nil, err
	}
	r := page.Report{Version: version, Criteria: p.asked.Criteria()}
	for _, d := range documents {
		one := page.Document{File: d.Name}
		if one.Evidence, one.Err = decode(d.Data); one.Err == nil {
			one.Report = p.verifier.Appraise(one.Evidence, p.expect)
			one.Hint = hint(one.Report)
		}
		r.Documents = append(r.Documents, one)
	}
	var out bytes.Buffer
	err = page.Write(&out, r)
	return out.Bytes(), err
}
