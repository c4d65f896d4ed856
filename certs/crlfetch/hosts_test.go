package crlfetch_test

import (
	"context"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/nitroattest/nitroattest/attestation"
	"github.com/nitroattest/nitroattest/certs"
	"github.com/nitroattest/nitroattest/certs/crlfetch"
)

// recorder answers every request with status 404 and remembers its URL.
type recorder struct {
	mu    sync.Mutex
	asked []string
}

func (r *recorder) RoundTrip(request *http.Request) (*http.Response, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.asked = append(r.asked, request.URL.String())
	return &http.Response{StatusCode: http.StatusNotFound, Body: http.NoBody}, nil
}

// The default allow list is no larger than, and as large as, the recorded
// chains need: their regional and zonal certificates name one list each.
func TestHostsOfRecordedChains(t *testing.T) {
	files, err := filepath.Glob("../../testdata/evidence/*.cbor")
	require.NoError(t, err)
	used := map[string]bool{}
	chains := 0
	for _, file := range files {
		document, err := os.ReadFile(file)
		require.NoError(t, err)
		u, err := attestation.ParseUnverified(document)
		if err != nil {
			continue // recorded because it is broken
		}
		chain := certs.Chain{Bundle: u.CABundle, Leaf: u.Certificate, ModuleID: u.Document.ModuleID}
		verifier, err := certs.NewVerifier(certs.AWSNitroRootG1(), certs.Config{})
		require.NoError(t, err)
		verified, err := verifier.Verify(chain, u.Document.Timestamp)
		if err != nil {
			continue
		}
		var named []string
		for _, cert := range verified {
			named = append(named, cert.CRLDistributionPoints...)
		}
		chains++
		require.Len(t, named, 2, file)

		transport := new(recorder)
		s := newSite(t)
		updater, err := crlfetch.New(crlfetch.Config{Revocations: s.revocations, Client: &http.Client{Transport: transport}})
		require.NoError(t, err)
		err = updater.Update(context.Background(), chain, u.Document.Timestamp)
		require.ErrorIs(t, err, crlfetch.Unreachable, file)
		require.NotErrorIs(t, err, crlfetch.NotAllowed, file)
		slices.Sort(named)
		slices.Sort(transport.asked)
		require.Equal(t, named, transport.asked, file)
		for _, from := range named {
			used[from] = true
		}
	}
	assert.GreaterOrEqual(t, chains, 20)
	assert.Greater(t, len(used), chains/2)
	assert.Len(t, crlfetch.AWSHosts(), 2)
}

// The host alone decides nothing: every part of a URL has to be as AWS's are.
func TestURLs(t *testing.T) {
	const region = "http://crl-us-east-1-aws-nitro-enclaves.s3.us-east-1.amazonaws.com"
	for from, detail := range map[string]string{
		"http://aws-nitro-enclaves-crl.s3.amazonaws.com/crl/0.crl": "",
		region + "/crl/0.crl": "",
		region:                "",
		"http://crl-us-gov-west-1-aws-nitro-enclaves.s3.us-gov-west-1.amazonaws.com/":   "",
		"http://crl-ap-southeast-5-aws-nitro-enclaves.s3.ap-southeast-5.amazonaws.com/": "",

		"https://aws-nitro-enclaves-crl.s3.amazonaws.com/crl/0.crl": `found the scheme "https", expected "http"`,
		"ldap://aws-nitro-enclaves-crl.s3.amazonaws.com/":           `found the scheme "ldap"`,
		"aws-nitro-enclaves-crl.s3.amazonaws.com/crl/0.crl":         `found the scheme ""`,
		"http:aws-nitro-enclaves-crl.s3.amazonaws.com":              `found the host ""`,
		"http://aws-nitro-enclaves-crl.s3.amazonaws.com:80/":        "expected one without a port",
		"http://aws-nitro-enclaves-crl.s3.amazonaws.com:8080/":      "expected one without a port",
		"http://[::1]/": "expected one without a port",
		"http://user@aws-nitro-enclaves-crl.s3.amazonaws.com/":                    "found a user, expected none",
		"http://aws-nitro-enclaves-crl.s3.amazonaws.com@other.invalid/":           "found a user, expected none",
		"http://aws-nitro-enclaves-crl.s3.amazonaws.com.other.invalid/":           "expected one of the allow list",
		"http://other.aws-nitro-enclaves-crl.s3.amazonaws.com/":                   "expected one of the allow list",
		"http://aws-nitro-enclaves-crl.s3.amazonaws.com./":                        "expected one of the allow list",
		"http://AWS-nitro-enclaves-crl.s3.amazonaws.com/":                         "expected one of the allow list",
		"http://aws-nitro-enclaves-crlxs3.amazonaws.com/":                         "expected one of the allow list",
		"http://169.254.169.254/latest/meta-data/":                                "expected one of the allow list",
		"http://crl-us-east-1-aws-nitro-enclaves.s3.us-east-2.amazonaws.com/":     "expected one of the allow list",
		"http://crl-us-east-aws-nitro-enclaves.s3.us-east.amazonaws.com/":         "expected one of the allow list",
		"http://crl-x.y-aws-nitro-enclaves.s3.x.y.amazonaws.com/":                 "expected one of the allow list",
		"http://crl-<region>-aws-nitro-enclaves.s3.<region>.amazonaws.com/":       "expected one of the allow list",
		"http://aws-nitro-enclaves-crl.s3.amazonaws.com/%zz":                      "found something that is not a URL",
		"http://aws-nitro-enclaves-crl.s3.amazonaws.com/a b\r\nHost: other":       "found something that is not a URL",
		"http://crl--aws-nitro-enclaves.s3..amazonaws.com/":                       "expected one of the allow list",
		"http://crl-us-east-1-aws-nitro-enclaves.s3.us-east-1.amazonaws.com.evil": "expected one of the allow list",
	} {
		s := newSite(t)
		s.rename(t, from)
		transport := new(recorder)
		updater := s.updater(t, func(c *crlfetch.Config) {
			c.Hosts = nil
			c.Client = &http.Client{Transport: transport}
		})
		err := updater.Update(context.Background(), s.chain(t), now)
		var failed []*crlfetch.Error
		for _, err := range err.(interface{ Unwrap() []error }).Unwrap() {
			failed = append(failed, err.(*crlfetch.Error))
		}
		require.Len(t, failed, 2, from)
		assert.Equal(t, crlfetch.NotAllowed, failed[0].Reason, "%s: the regional certificate's, whose host is simulated", from)
		if detail == "" {
			assert.Equal(t, []string{from}, transport.asked)
			continue
		}
		assert.Empty(t, transport.asked, from)
		for _, err := range failed {
			assert.Equal(t, crlfetch.NotAllowed, err.Reason, from)
		}
		assert.ErrorContains(t, err, detail, from)
	}
}
