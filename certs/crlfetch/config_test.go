package crlfetch_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/nitroattest/nitroattest/certs"
	"github.com/nitroattest/nitroattest/certs/crlfetch"
)

func TestConfigMistakesNameTheField(t *testing.T) {
	s := newSite(t)
	for name, test := range map[string]struct {
		edit func(*crlfetch.Config)
		text string
	}{
		"no client":             {func(c *crlfetch.Config) { c.Client = nil }, "Config.Client: nil; there is no default"},
		"no revocations":        {func(c *crlfetch.Config) { c.Revocations = nil }, "Config.Revocations: nil"},
		"zero revocations":      {func(c *crlfetch.Config) { c.Revocations = new(certs.Revocations) }, "Config.Revocations: certs: Config.Revocations: found a zero value"},
		"empty roots":           {func(c *crlfetch.Config) { c.Roots = new(certs.Roots) }, "Config.Roots: certs: no roots"},
		"empty allow list":      {func(c *crlfetch.Config) { c.Hosts = []string{} }, "Config.Hosts: empty"},
		"empty host":            {func(c *crlfetch.Config) { c.Hosts = []string{"a.invalid", ""} }, `Config.Hosts[1]: found ""`},
		"URL as host":           {func(c *crlfetch.Config) { c.Hosts = []string{"http://a.invalid"} }, `Config.Hosts[0]: found "http://a.invalid", expected the name of a host`},
		"port":                  {func(c *crlfetch.Config) { c.Hosts = []string{"a.invalid:80"} }, "Config.Hosts[0]"},
		"wildcard":              {func(c *crlfetch.Config) { c.Hosts = []string{"*.a.invalid"} }, "Config.Hosts[0]"},
		"another placeholder":   {func(c *crlfetch.Config) { c.Hosts = []string{"<zone>.a.invalid"} }, "Config.Hosts[0]"},
		"upper case":            {func(c *crlfetch.Config) { c.Hosts = []string{"A.invalid"} }, "Config.Hosts[0]"},
		"negative size":         {func(c *crlfetch.Config) { c.MaxSize = -1 }, "Config.MaxSize: found -1, expected 0 or more"},
		"negative timeout":      {func(c *crlfetch.Config) { c.Timeout = -1 }, "Config.Timeout: found -1ns, expected 0 or more"},
		"negative interval":     {func(c *crlfetch.Config) { c.MinInterval = -1 }, "Config.MinInterval: found -1ns"},
		"negative refreshafter": {func(c *crlfetch.Config) { c.RefreshAfter = -1 }, "Config.RefreshAfter: found -1ns"},
	} {
		t.Run(name, func(t *testing.T) {
			config := s.config()
			test.edit(&config)
			updater, err := crlfetch.New(config)
			require.ErrorContains(t, err, "crlfetch: "+test.text)
			assert.Nil(t, updater)
		})
	}
}

// What is fetched by default can be handed over by default.
func TestDefaultSizeIsThatOfRevocations(t *testing.T) {
	require.EqualValues(t, certs.DefaultMaxListSize, crlfetch.DefaultMaxSize)
}

// The text begins with the reason, and nothing but the reason and a cause that
// there is is unwrapped.
func TestErrorUnwrapsToReasonAndCause(t *testing.T) {
	t.Parallel()
	cause := errors.New("cause")
	for _, err := range []interface {
		error
		Unwrap() []error
	}{&crlfetch.Error{Reason: crlfetch.NotAllowed, Detail: "detail"}} {
		assert.Equal(t, []error{crlfetch.NotAllowed}, err.Unwrap())
		assert.True(t, strings.HasPrefix(err.Error(), string(crlfetch.NotAllowed)+": "), err.Error())
	}
	for _, err := range []interface{ Unwrap() []error }{&crlfetch.Error{Reason: crlfetch.NotAllowed, Err: cause}} {
		assert.Equal(t, []error{crlfetch.NotAllowed, cause}, err.Unwrap())
	}
}
