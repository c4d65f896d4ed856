package attestation

import (
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"errors"
	"time"

	"github.com/nitroattest/nitroattest/pcr"
)

// ReportJSON is the form of a report for programs, see [Report.JSON]. Every key
// is always there; what is not known is null. A program that adds keys of its
// own embeds it:
//
//	json.Marshal(struct {
//		File string `json:"file"`
//		attestation.ReportJSON
//	}{name, report.JSON()})
type ReportJSON struct {
	Accepted   bool               `json:"accepted"`
	Authentic  bool               `json:"authentic"`
	Reason     Reason             `json:"reason"`
	Detail     string             `json:"detail"`
	Image      *pcr.Image         `json:"image"`
	Debug      bool               `json:"debug"`
	VerifiedAt *time.Time         `json:"verified_at"`
	FreshUntil *time.Time         `json:"fresh_until"`
	Document   *Document          `json:"document"`
	Unverified *Document          `json:"unverified_document"`
	Mismatch   *pcr.MismatchError `json:"mismatch"`
	Registers  []pcr.Comparison   `json:"registers"`
	Chain      []CertificateJSON  `json:"chain"`
	Checks     []Check            `json:"checks"`
}

// CertificateJSON is one certificate of a [ReportJSON].
type CertificateJSON struct {
	Subject   string    `json:"subject"`
	Serial    string    `json:"serial"`
	NotBefore time.Time `json:"not_before"`
	NotAfter  time.Time `json:"not_after"`
	SHA256    string    `json:"sha256"`
}

// MarshalJSON implements [json.Marshaler]. It writes what [Report.JSON] returns.
func (r *Report) MarshalJSON() ([]byte, error) { return json.Marshal(r.JSON()) }

// JSON returns the report as it is marshalled:
//
//	{"accepted": bool, "authentic": bool, "reason": "" or the Reason, "detail": text,
//	 "image": {"name", "pcrs"}, null unless accepted, "debug": bool,
//	 "verified_at", "fresh_until": RFC 3339 or null,
//	 "document": fields, null unless authentic,
//	 "unverified_document": fields of a document that is not authentic, or null,
//	 "mismatch": {"images": [...]} or null,
//	 "registers": [{"register", "want", "got", "equal"}], those that the exchange expects,
//	 "chain": [{"subject", "serial", "not_before", "not_after", "sha256"}], leaf first,
//	 "checks": [{"name", "status", "reason", "detail"}]}
//
// The JSON of a zero Report has every key, and nothing that says that a document
// was accepted.
func (r *Report) JSON() ReportJSON {
	out := ReportJSON{
		Accepted:  r.Accepted(),
		Authentic: r.Authentic(),
		Image:     r.Image,
		Debug:     r.Debug,
		Document:  r.Document,
		Mismatch:  r.Mismatch,
		Registers: append([]pcr.Comparison{}, r.Registers...),
		Chain:     []CertificateJSON{},
		Checks:    append([]Check{}, r.Checks...),
	}
	if _, err := r.Result(); err != nil {
		out.Detail = err.Error()
		var refused *Error
		if errors.As(err, &refused) {
			out.Reason, out.Detail = refused.Reason, refused.detail()
		}
	}
	if r.Unverified != nil {
		out.Unverified = &r.Unverified.Document
	}
	if !r.VerifiedAt.IsZero() {
		out.VerifiedAt = utc(r.VerifiedAt)
	}
	for _, cert := range r.Chain {
		out.Chain = append(out.Chain, certificateJSON(cert))
	}
	if len(r.Chain) > 0 {
		out.FreshUntil = utc(freshUntil(r.Chain))
	}
	return out
}

func utc(t time.Time) *time.Time {
	t = t.UTC()
	return &t
}

func certificateJSON(cert *x509.Certificate) CertificateJSON {
	digest := sha256.Sum256(cert.Raw)
	return CertificateJSON{
		Subject:   cert.Subject.String(),
		Serial:    cert.SerialNumber.Text(16),
		NotBefore: cert.NotBefore,
		NotAfter:  cert.NotAfter,
		SHA256:    hex.EncodeToString(digest[:]),
	}
}
