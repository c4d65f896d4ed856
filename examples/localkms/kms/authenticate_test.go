package kms_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	awskms "github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/nitroattest/nitroattest/examples/localkms/kms"
)

// signed is a request before it is sent; edits come before or after signing.
type signed struct {
	credential kms.Credential
	service    string
	region     string
	time       time.Time
	body       string
	before     func(*http.Request)
	after      func(*http.Request)
}

func (s signed) send(t *testing.T, url string) (status int, code string) {
	body := s.body
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, strings.NewReader(body))
	require.NoError(t, err)
	r.Header.Set("Content-Type", "application/x-amz-json-1.1")
	r.Header.Set("X-Amz-Target", "TrentService.GenerateRandom")
	if s.before != nil {
		s.before(r)
	}
	digest := sha256.Sum256([]byte(body))
	err = v4.NewSigner().SignHTTP(t.Context(),
		aws.Credentials{AccessKeyID: s.credential.AccessKeyID, SecretAccessKey: s.credential.SecretAccessKey},
		r, hex.EncodeToString(digest[:]), s.service, s.region, s.time)
	require.NoError(t, err)
	if s.after != nil {
		s.after(r)
	}
	response, err := http.DefaultClient.Do(r)
	require.NoError(t, err)
	defer response.Body.Close()
	var answer struct {
		Type string `json:"__type"`
	}
	require.NoError(t, json.NewDecoder(response.Body).Decode(&answer))
	return response.StatusCode, answer.Type
}

func TestAuthentication(t *testing.T) {
	now := time.Now()
	url := serve(t, filepath.Join(t.TempDir(), "keys.db"), kms.Config{Now: func() time.Time { return now }})
	header := func(name, value string) func(*http.Request) {
		return func(r *http.Request) { r.Header.Set(name, value) }
	}
	replace := func(old, new string) func(*http.Request) {
		return func(r *http.Request) {
			changed := strings.Replace(r.Header.Get("Authorization"), old, new, 1)
			require.NotEqual(t, changed, r.Header.Get("Authorization"))
			r.Header.Set("Authorization", changed)
		}
	}
	for _, test := range []struct {
		name string
		code string // empty: accepted
		edit func(*signed)
	}{
		{"good", "", func(*signed) {}},
		{"more headers signed", "", func(s *signed) { s.before = header("X-Amz-Meta", "a  b ") }},
		{"a header not signed", "", func(s *signed) { s.after = header("Accept", "*/*") }},
		{"five minutes old", "", func(s *signed) { s.time = now.Add(-5 * time.Minute).Truncate(time.Second).Add(time.Second) }},
		{"too old", "InvalidSignatureException", func(s *signed) { s.time = now.Add(-5*time.Minute - time.Second) }},
		{"from the future", "InvalidSignatureException", func(s *signed) { s.time = now.Add(5*time.Minute + 2*time.Second) }},
		{"another secret", "InvalidSignatureException", func(s *signed) { s.credential.SecretAccessKey = "guessed and long enough" }},
		{"another credential", "InvalidSignatureException", func(s *signed) { s.credential.AccessKeyID = visitorKey.AccessKeyID }},
		{"unknown access key", "UnrecognizedClientException", func(s *signed) { s.credential.AccessKeyID = "AKIDNOBODY" }},
		{"another service", "InvalidSignatureException", func(s *signed) { s.service = "s3" }},
		{"another region", "InvalidSignatureException", func(s *signed) { s.region = "us-east-1" }},
		{"another target", "InvalidSignatureException", func(s *signed) { s.after = header("X-Amz-Target", "TrentService.CreateKey") }},
		{"another time", "InvalidSignatureException", func(s *signed) { s.after = header("X-Amz-Date", now.UTC().Add(time.Second).Format("20060102T150405Z")) }},
		{"another host", "InvalidSignatureException", func(s *signed) { s.after = func(r *http.Request) { r.Host = "kms.example" } }},
		{"another query", "InvalidSignatureException", func(s *signed) { s.after = func(r *http.Request) { r.URL.RawQuery = "a=b" } }},
		{"another body", "InvalidSignatureException", func(s *signed) {
			s.after = func(r *http.Request) { r.Body = body(`{"NumberOfBytes": 9}`) }
		}},
		{"no date", "IncompleteSignatureException", func(s *signed) { s.after = func(r *http.Request) { r.Header.Del("X-Amz-Date") } }},
		{"date not signed", "IncompleteSignatureException", func(s *signed) { s.after = replace(";x-amz-date", "") }},
		{"target not signed", "IncompleteSignatureException", func(s *signed) { s.after = replace(";x-amz-target", "") }},
		{"host not signed", "IncompleteSignatureException", func(s *signed) { s.after = replace("host;", "") }},
		{"content type not signed after all", "InvalidSignatureException", func(s *signed) { s.after = replace("content-type;", "") }},
		{"no authorization", "MissingAuthenticationTokenException", func(s *signed) { s.after = func(r *http.Request) { r.Header.Del("Authorization") } }},
		{"two authorizations", "IncompleteSignatureException", func(s *signed) {
			s.after = func(r *http.Request) { r.Header.Add("Authorization", r.Header.Get("Authorization")) }
		}},
		{"another scheme", "IncompleteSignatureException", func(s *signed) { s.after = header("Authorization", "Basic AAAA") }},
		{"no signature", "IncompleteSignatureException", func(s *signed) { s.after = replace("Signature=", "Seal=") }},
		{"empty signature", "IncompleteSignatureException", func(s *signed) {
			s.after = func(r *http.Request) {
				start, _, _ := strings.Cut(r.Header.Get("Authorization"), "Signature=")
				r.Header.Set("Authorization", start+"Signature=")
			}
		}},
		{"half a signature", "InvalidSignatureException", func(s *signed) {
			s.after = func(r *http.Request) {
				whole := r.Header.Get("Authorization")
				r.Header.Set("Authorization", whole[:len(whole)-32])
			}
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := signed{credential: roleKey, service: "kms", region: region, time: now, body: `{"NumberOfBytes": 8}`}
			test.edit(&s)
			status, code := s.send(t, url)
			assert.Equal(t, test.code, code)
			assert.Equal(t, test.code == "", status == http.StatusOK)
		})
	}
}

type closer struct{ *bytes.Reader }

func (closer) Close() error { return nil }

func body(text string) closer { return closer{bytes.NewReader([]byte(text))} }

func TestRequestsThatAreNotUnderstood(t *testing.T) {
	url := serve(t, filepath.Join(t.TempDir(), "keys.db"), kms.Config{})
	for _, test := range []struct {
		name, code, body string
		before           func(*http.Request)
	}{
		{"another operation", "UnknownOperationException", `{}`, func(r *http.Request) { r.Header.Set("X-Amz-Target", "TrentService.Sign") }},
		{"another method", "UnknownOperationException", `{}`, func(r *http.Request) { r.Method = http.MethodPut }},
		{"another path", "UnknownOperationException", `{}`, func(r *http.Request) { r.URL.Path = "/kms" }},
		{"another type", "UnknownOperationException", `{}`, func(r *http.Request) { r.Header.Set("Content-Type", "application/json") }},
		{"no JSON", "ValidationException", `NumberOfBytes`, nil},
		{"an unknown field", "ValidationException", `{"NumberOfBytes": 8, "DryRun": true}`, nil},
		{"more after it", "ValidationException", `{"NumberOfBytes": 8} {}`, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := signed{credential: roleKey, service: "kms", region: region, time: time.Now(), body: test.body, before: test.before}
			status, code := s.send(t, url)
			assert.Equal(t, http.StatusBadRequest, status)
			assert.Equal(t, test.code, code)
		})
	}
}

func TestConfigThatIsIncomplete(t *testing.T) {
	good := func() kms.Config {
		return kms.Config{Region: region, Account: account, Credentials: []kms.Credential{roleKey}}
	}
	_, err := kms.NewServer(nil, good())
	require.NoError(t, err)
	for field, edit := range map[string]func(*kms.Config){
		"Region":            func(c *kms.Config) { c.Region = "" },
		"Account":           func(c *kms.Config) { c.Account = "1234" },
		"Credentials":       func(c *kms.Config) { c.Credentials = nil },
		"a field of Config": func(c *kms.Config) { c.Credentials[0].SecretAccessKey = "" },
	} {
		config := good()
		edit(&config)
		_, err := kms.NewServer(nil, config)
		assert.ErrorContains(t, err, field)
	}
}

// What goes wrong in the server itself is not the client's business.
func TestInternalErrors(t *testing.T) {
	store, err := kms.OpenStore(filepath.Join(t.TempDir(), "keys.db"))
	require.NoError(t, err)
	require.NoError(t, store.Close())
	client := newClient(serveStore(t, store, kms.Config{}), roleKey)
	_, err = client.CreateKey(t.Context(), &awskms.CreateKeyInput{})
	assertRefused(t, err, "KMSInternalException", "internal error")
}
