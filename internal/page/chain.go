package page

import (
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"fmt"
	"math"
	"time"

	"github.com/nitroattest/nitroattest/attestation"
)

// chainView is the chain as a picture: one bar for the validity of each
// certificate, on a scale around the timestamp of the document that is
// logarithmic in either direction, so that three hours and thirty years are
// both to be seen. Places are in percent of the width.
type chainView struct {
	Height       int
	Axis         int // where the bars end and the labels of the ticks stand
	Bars         []barView
	Ticks        []tickView
	Document     string // place of the timestamp
	Verification string // place of the verification time; empty: the same
	Anchor       string // of its label
	Unreadable   int    // certificates that cannot be parsed
}

type barView struct {
	Level  string // "leaf"
	Length string // of the validity, "3 h 0 min"
	Status string // at the verification time
	Class  string
	X, W   string
	Text   int // where its text stands
	Y      int // where it stands

	Subject, Serial, NotBefore, NotAfter, SHA256 string
}

type tickView struct {
	X, Label string
	Minor    bool // its label is left out where there is no room
}

const (
	barTop    = 40 // room for the labels of the two moments
	barPitch  = 36
	halfWidth = 48.0 // percent on either side of the timestamp
)

// scale maps a distance in seconds to percent. Below ten minutes it is nearly
// linear.
type scale struct{ most float64 }

func (s scale) place(seconds float64) float64 {
	part := math.Log1p(math.Abs(seconds)/600) / math.Log1p(s.most/600)
	return 50 + math.Copysign(halfWidth*math.Min(part, 1), seconds)
}

func percent(x float64) string { return fmt.Sprintf("%.2f%%", x) }

// newChain takes the certificates leaf first. Those of a document that is not
// authentic are called valid by nobody.
func newChain(chain []*x509.Certificate, document, verified time.Time, authentic bool) *chainView {
	if len(chain) == 0 {
		return nil
	}
	// Durations of package time end at 292 years.
	since := func(t time.Time) float64 { return float64(t.Unix() - document.Unix()) }
	s := scale{most: 40 * 365 * 24 * 3600}
	v := &chainView{Document: percent(50), Anchor: "start"}
	at := since(verified)
	if math.Abs(s.place(at)-50) >= 1 {
		v.Verification = percent(s.place(at))
		if at > 0 {
			v.Anchor = "end"
		}
	}
	for i, cert := range chain {
		if cert == nil {
			v.Unreadable++
			continue
		}
		from, to := since(cert.NotBefore), since(cert.NotAfter)
		left, right := s.place(from), s.place(to)
		bar := barView{
			Level:     level(i, len(chain)),
			Length:    length(to - from),
			Status:    "not authenticated",
			Class:     "none",
			X:         percent(left),
			W:         percent(math.Max(right-left, 0.3)),
			Text:      barTop + len(v.Bars)*barPitch + 12,
			Y:         barTop + len(v.Bars)*barPitch + 17,
			Subject:   cert.Subject.String(),
			Serial:    cert.SerialNumber.Text(16),
			NotBefore: cert.NotBefore.UTC().Format(time.DateTime),
			NotAfter:  cert.NotAfter.UTC().Format(time.DateTime),
			SHA256:    fingerprint(cert.Raw),
		}
		switch {
		case verified.Before(cert.NotBefore):
			bar.Status, bar.Class = "NOT YET VALID", "bad"
		case verified.After(cert.NotAfter):
			bar.Status, bar.Class = "EXPIRED", "bad"
		case authentic:
			bar.Status, bar.Class = "valid", "good"
		}
		v.Bars = append(v.Bars, bar)
	}
	v.Axis = barTop + len(v.Bars)*barPitch + 4
	v.Height = v.Axis + 20
	v.Ticks = ticks(s)
	return v
}

func ticks(s scale) []tickView {
	const hour, day, year = 3600, 24 * 3600, 365 * 24 * 3600
	var out []tickView
	for _, t := range []struct {
		seconds float64
		label   string
		minor   bool
	}{
		{hour, "1 h", false}, {day, "1 d", false}, {30 * day, "30 d", true}, {year, "1 y", false}, {10 * year, "10 y", true},
	} {
		out = append(out,
			tickView{percent(s.place(-t.seconds)), "\u2212" + t.label, t.minor},
			tickView{percent(s.place(t.seconds)), "+" + t.label, t.minor})
	}
	return out
}

// level names the place in a chain, leaf first, of the length that all of AWS's
// have.
func level(i, n int) string {
	levels := []string{"leaf", "instance", "zonal", "regional", "root"}
	switch {
	case n == len(levels):
		return levels[i]
	case i == 0:
		return "leaf"
	case i == n-1:
		return "root"
	}
	return fmt.Sprintf("issuer %d", i)
}

func length(seconds float64) string {
	const minute, hour, day, year = 60, 3600, 24 * 3600, 365.25 * 24 * 3600
	switch {
	case seconds < 0:
		return "ends before it begins"
	case seconds < day:
		return fmt.Sprintf("%d h %d min", int(seconds/hour), int(math.Mod(seconds, hour)/minute))
	case seconds < year:
		return fmt.Sprintf("%.1f days", seconds/day)
	}
	return fmt.Sprintf("%.1f years", seconds/year)
}

func fingerprint(der []byte) string {
	digest := sha256.Sum256(der)
	return hex.EncodeToString(digest[:])
}

// parseAll reads the certificates of a document that is not authentic, leaf
// first; nil stands for what is none.
func parseAll(u *attestation.Unverified) []*x509.Certificate {
	out := make([]*x509.Certificate, 1+len(u.CABundle))
	out[0], _ = x509.ParseCertificate(u.Certificate)
	for i, der := range u.CABundle {
		out[len(u.CABundle)-i], _ = x509.ParseCertificate(der)
	}
	return out
}
