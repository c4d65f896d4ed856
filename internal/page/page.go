// Package page writes the appraisal of documents as one HTML file to be read,
// printed and kept.
//
// The file stands alone: it loads nothing, runs nothing, and its content
// security policy lets it do neither. All text of a document is escaped twice:
// by html/template, so that it cannot be markup, and by package plain, so that
// it cannot turn the direction of the text around. The same Report
// yields the same bytes.
package page

import (
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"html/template"
	"io"
	"sync"
	"time"

	"github.com/nitroattest/nitroattest/attestation"
	"github.com/nitroattest/nitroattest/internal/plain"
	"github.com/nitroattest/nitroattest/internal/settings"
)

// Report is everything that the page shows.
type Report struct {
	Version   string               // of the tool
	Time      time.Time            // when the appraisal was made; zero: it is not said
	Criteria  []settings.Criterion // what was asked of every document
	Documents []Document
}

// Document is one file and what came of it.
type Document struct {
	File     string
	Evidence []byte              // as it was verified, out of any encoding
	Report   *attestation.Report // nil when Err is set
	Hint     string              // what to do about a refusal, or empty
	Err      error               // why the file could not be read
}

//go:embed page.css
var style string

//go:embed page.html
var source string

// page is parsed when a page is written: few calls of the command write one.
var page = sync.OnceValue(func() *template.Template {
	return template.Must(template.New("page").Funcs(template.FuncMap{"plain": plain.Text}).Parse(source))
})

// Write writes the page.
func Write(w io.Writer, r Report) error {
	digest := sha256.Sum256([]byte(style))
	v := view{
		Version: r.Version, Made: r.Time, Criteria: r.Criteria,
		Style:  template.CSS(style),
		Policy: "default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(digest[:]) + "'; base-uri 'none'; form-action 'none'",
	}
	for i, d := range r.Documents {
		v.Documents = append(v.Documents, newDocumentView(i+1, d))
	}
	return page().Execute(w, v)
}
