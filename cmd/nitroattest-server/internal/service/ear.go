package service

import (
	"crypto/sha512"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/nitroattest/nitroattest/pcr"
)

// Profiles of an EAR. The names of the claims belong to both: earlier drafts have
// others.
const (
	EARProfile   = "tag:ietf.org,2026:rats/ear#04" // draft-ietf-rats-ear-04
	EARProfile03 = "tag:ietf.org,2026:rats/ear#03" // and -03, for who expects that

	earDeveloper = "https://github.com/nitroattest/nitroattest"
	earClaim     = "github.com/nitroattest/nitroattest"

	claimProfile    = "eat_profile"
	claimNonce      = "eat_nonce"
	claimStatus     = "ear_status"
	claimVector     = "ear_trustworthiness_vector"
	claimPolicies   = "ear_appraisal_policy_ids"
	claimVerifierID = "ear_verifier_id"

	// The extension of Project Veraison, in the same draft.
	claimKeyAttestation = "ear_veraison_key_attestation"
	claimKey            = "akpub"
)

// earLifetime is short: a result speaks of one exchange.
const earLifetime = 5 * time.Minute

// Bounds of eat_nonce (RFC 9711, section 4.1).
const (
	minEATNonce = 8
	maxEATNonce = 64
)

// token returns the attestation result that the request asked for, or "".
func (s *Service) token(x *exchange, v *verdict) (string, error) {
	if x.ear == earNever || x.ear == earAccepted && !v.accepted() {
		return "", nil
	}
	return s.config.Signer.sign(s.claims(x, v, time.Now()))
}

func (s *Service) claims(x *exchange, v *verdict, now time.Time) jwt.MapClaims {
	vector := vectorOf(v)
	status := vector.status()
	switch {
	case !v.accepted():
		status = contraindicated
	case status == affirming && waivers(s.config.Waivers).weaken():
		status = warning
	}
	own := details(v)
	if names := waivers(s.config.Waivers).names(); len(names) > 0 {
		own["insecure_settings"] = names
	}
	if s.config.RootHashes != nil {
		own["roots_sha256"] = s.config.RootHashes
	}
	if x.policy.voucher != nil {
		own["signed_policy"] = x.policy.voucherJSON
	}
	expires := now.Add(earLifetime)
	for _, cert := range v.report.Chain {
		if cert.NotAfter.Before(expires) {
			expires = cert.NotAfter
		}
	}
	if v := x.policy.voucher; v != nil && v.Expires.Before(expires) {
		expires = v.Expires
	}
	submod := map[string]any{
		claimStatus:   status,
		claimVector:   vector,
		claimPolicies: x.policy.ids(),
		earClaim:      own,
	}
	if document := v.report.Document; document != nil && document.Nonce != nil {
		submod[claimNonce] = eatNonce(document.Nonce)
	}
	if key := attestedKey(v); key != "" {
		submod[claimKeyAttestation] = map[string]string{claimKey: key}
	}
	claims := jwt.MapClaims{
		claimProfile:    s.config.Signer.profile(),
		claimStatus:     status,
		claimVerifierID: map[string]string{"developer": earDeveloper, "build": "nitroattest " + s.config.Signer.version},
		"iat":           now.Unix(),
		"exp":           expires.Unix(),
		"submods":       map[string]any{string(s.config.Kind): submod},
	}
	if x.nonce != nil {
		claims[claimNonce] = eatNonce(x.nonce)
	}
	return claims
}

// attestedKey is the public_key of a document that is accepted in base64url, or "".
// The extension is for keys that are the DER of a SubjectPublicKeyInfo (RFC 5280,
// section 4.1.2.7); public_key may be anything.
func attestedKey(v *verdict) string {
	if !v.accepted() || v.report.Document == nil {
		return ""
	}
	der := v.report.Document.PublicKey
	if _, err := x509.ParsePKIXPublicKey(der); err != nil {
		return ""
	}
	return base64.RawURLEncoding.EncodeToString(der)
}

// eatNonce is the nonce, or its SHA-384 when an EAT cannot hold it.
func eatNonce(nonce []byte) string {
	if len(nonce) < minEATNonce || len(nonce) > maxEATNonce {
		sum := sha512.Sum384(nonce)
		nonce = sum[:]
	}
	return base64.RawURLEncoding.EncodeToString(nonce)
}

// details are what a downstream service needs to know beside the verdict: above
// all the key of the enclave. Nothing is said of a document that may be forged.
func details(v *verdict) map[string]any {
	claims := map[string]any{"reason": v.reason}
	document := v.report.Document
	if document == nil {
		return claims
	}
	claims["kind"] = document.Kind
	claims["debug"] = v.report.Debug
	claims["module_id"] = document.ModuleID
	claims["timestamp"] = document.Timestamp.Format("2006-01-02T15:04:05.000Z07:00")
	if v.report.Image != nil {
		claims["image"] = v.report.Image.Name
	}
	if document.PublicKey != nil {
		claims["public_key"] = hex.EncodeToString(document.PublicKey)
	}
	if document.UserData != nil {
		claims["user_data"] = hex.EncodeToString(document.UserData)
	}
	if expected := v.report.Registers; len(expected) > 0 {
		registers := pcr.Bank{}
		for _, each := range expected {
			if each.Got != nil {
				registers[each.Register] = *each.Got
			}
		}
		claims["exchange_registers"] = registers
	}
	return claims
}
