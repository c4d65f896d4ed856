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

// reportJSON is the form of a report for programs. Every key is always there;
// what is not known is null.
type reportJSON struct {
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
	Chain      []certificateJSON  `json:"chain"`
	Checks     []Check            `json:"checks"`
}

type certificateJSON struct {
	Subject   string    `json:"subject"`
	Serial    string    `json:"serial"`
	NotBefore time.Time `json:"not_before"`
	NotAfter  time.Time `json:"not_after"`
	SHA256    string    `json:"sha256"`
}

// MarshalJSON implements [json.Marshaler]:
//
//	{"accepted": bool, "authentic": bool, "reason": "" or the Reason, "detail": text,
//	 "image": {"name", "pcrs"} or null, "debug": bool,
//	 "verified_at", "fresh_until": RFC 3339 or null,
//	 "document": fields, null unless authentic,
//	 "unverified_document": fields of a document that is not authentic, or null,
//	 "mismatch": {"images": [...]} or null,
//	 "chain": [{"subject", "serial", "not_before", "not_after", "sha256"}], leaf first,
//	 "checks": [{"name", "status", "reason", "detail"}]}
func (r *Report) MarshalJSON() ([]byte, error) {
	out := reportJSON{
		Accepted:  r.Accepted(),
		Authentic: r.Authentic(),
		Image:     r.Image,
		Debug:     r.Debug,
		Document:  r.Document,
		Mismatch:  r.Mismatch,
		Chain:     []certificateJSON{},
		Checks:    r.Checks,
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
		out.Chain = append(out.Chain, newCertificateJSON(cert))
	}
	if len(r.Chain) > 0 {
		out.FreshUntil = utc(freshUntil(r.Chain))
	}
	return json.Marshal(out)
}

func utc(t time.Time) *time.Time {
	t = t.UTC()
	return &t
}

func newCertificateJSON(cert *x509.Certificate) certificateJSON {
	digest := sha256.Sum256(cert.Raw)
	return certificateJSON{
		Subject:   cert.Subject.String(),
		Serial:    cert.SerialNumber.Text(16),
		NotBefore: cert.NotBefore,
		NotAfter:  cert.NotAfter,
		SHA256:    hex.EncodeToString(digest[:]),
	}
}
