package kms

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
)

// maxRequestAge is how far the date of a request may be from the server's clock
// (IAM User Guide, "Signature Version 4 request elements": five minutes).
const maxRequestAge = 5 * time.Minute

const (
	amzTime   = "20060102T150405Z"
	algorithm = "AWS4-HMAC-SHA256"
)

// authorization is the header of that name, taken apart.
type authorization struct {
	accessKeyID   string
	scope         string // date/region/service/aws4_request
	signedHeaders []string
	signature     string
}

// authenticate returns the credential that signed the request. It signs the
// request itself, with AWS's own signer, and compares.
func (s *Server) authenticate(r *http.Request, body []byte) (Credential, error) {
	a, err := parseAuthorization(r.Header)
	if err != nil {
		return Credential{}, err
	}
	i := slices.IndexFunc(s.config.Credentials, func(c Credential) bool { return c.AccessKeyID == a.accessKeyID })
	if i < 0 {
		return Credential{}, refuse(unrecognized, "the access key is not known")
	}
	credential := s.config.Credentials[i]
	date, err := s.signingTime(r.Header, a.scope)
	if err != nil {
		return Credential{}, err
	}
	again, err := signable(r, a.signedHeaders)
	if err != nil {
		return Credential{}, err
	}
	digest := sha256.Sum256(body)
	err = s.signer.SignHTTP(r.Context(),
		aws.Credentials{AccessKeyID: credential.AccessKeyID, SecretAccessKey: credential.SecretAccessKey},
		again, hex.EncodeToString(digest[:]), "kms", s.config.Region, date)
	if err != nil {
		return Credential{}, err
	}
	expected, err := parseAuthorization(again.Header)
	if err != nil {
		return Credential{}, err
	}
	if subtle.ConstantTimeCompare([]byte(expected.signature), []byte(a.signature)) != 1 {
		return Credential{}, refuse(invalidSignature, "the signature does not match the request")
	}
	return credential, nil
}

func parseAuthorization(h http.Header) (authorization, error) {
	values := h.Values("Authorization")
	if len(values) == 0 {
		return authorization{}, refuse(missingAuth, "the request has no Authorization header")
	}
	fields, ok := strings.CutPrefix(values[0], algorithm+" ")
	if !ok || len(values) > 1 {
		return authorization{}, refuse(incompleteAuth, "expected one Authorization header with %s", algorithm)
	}
	found := map[string]string{}
	for field := range strings.SplitSeq(fields, ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(field), "=")
		if found[name] != "" || value == "" {
			return authorization{}, refuse(incompleteAuth, "a part of the Authorization header is empty or repeated")
		}
		found[name] = value
	}
	accessKeyID, scope, ok := strings.Cut(found["Credential"], "/")
	if !ok || found["SignedHeaders"] == "" || found["Signature"] == "" || len(found) != 3 {
		return authorization{}, refuse(incompleteAuth, "expected Credential, SignedHeaders and Signature in the Authorization header")
	}
	return authorization{accessKeyID, scope, strings.Split(found["SignedHeaders"], ";"), found["Signature"]}, nil
}

// signingTime returns the time in X-Amz-Date, which has to be recent and in
// agreement with the scope of the signature.
func (s *Server) signingTime(h http.Header, scope string) (time.Time, error) {
	date, err := time.Parse(amzTime, h.Get("X-Amz-Date"))
	if err != nil {
		return time.Time{}, refuse(incompleteAuth, "expected an X-Amz-Date of the form %s", amzTime)
	}
	if age := s.config.Now().Sub(date); age.Abs() > maxRequestAge {
		return time.Time{}, refuse(invalidSignature, "the signature is of %s, expected it within %s of now", date, maxRequestAge)
	}
	expected := date.Format("20060102") + "/" + s.config.Region + "/kms/aws4_request"
	if scope != expected {
		return time.Time{}, refuse(invalidSignature, "found scope %q, expected %q", scope, expected)
	}
	return date, nil
}

// signable returns the request with the headers that were signed and no others.
// What the server acts on has to be among them.
func signable(r *http.Request, names []string) (*http.Request, error) {
	for _, name := range []string{"host", "x-amz-date", "x-amz-target"} {
		if !slices.Contains(names, name) {
			return nil, refuse(incompleteAuth, "the header %s is not signed", name)
		}
	}
	again := &http.Request{Method: r.Method, Host: r.Host, Header: http.Header{},
		URL: &url.URL{Scheme: "http", Host: r.Host, Path: r.URL.Path, RawQuery: r.URL.RawQuery}}
	for _, name := range names {
		switch name {
		case "host":
		case "content-length":
			again.ContentLength = r.ContentLength
		default:
			again.Header[http.CanonicalHeaderKey(name)] = r.Header.Values(name)
		}
	}
	return again, nil
}
