package crlfetch

import (
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"
)

// AWSHosts returns the hosts that the CRL distribution points in AWS's chains
// name: the first in regional certificates, the second in zonal ones. The
// recorded documents in testdata/evidence are the source; no document of AWS's
// lists them.
func AWSHosts() []string {
	return []string{
		"aws-nitro-enclaves-crl.s3.amazonaws.com",
		"crl-<region>-aws-nitro-enclaves.s3.<region>.amazonaws.com",
	}
}

const anyRegion = "<region>"

// hostPattern is a host of an allow list, with the expression that finds what
// stands for the region.
type hostPattern struct {
	text       string
	expression *regexp.Regexp
}

var hostForm = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$`)

func parseHosts(hosts []string) ([]hostPattern, error) {
	if len(hosts) == 0 {
		return nil, errors.New("crlfetch: Config.Hosts: empty, expected nil for AWS's hosts or at least one")
	}
	patterns := make([]hostPattern, len(hosts))
	for i, host := range hosts {
		if !hostForm.MatchString(strings.ReplaceAll(host, anyRegion, "us-east-1")) {
			return nil, fmt.Errorf("crlfetch: Config.Hosts[%d]: found %q, expected the name of a host in lower case, without scheme and port", i, host)
		}
		// us-east-1, us-gov-west-1
		expression := strings.ReplaceAll(regexp.QuoteMeta(host), anyRegion, `([a-z]{2,4}(?:-[a-z]+){1,2}-[0-9]{1,2})`)
		patterns[i] = hostPattern{host, regexp.MustCompile("^" + expression + "$")}
	}
	return patterns, nil
}

func (p hostPattern) matches(host string) bool {
	found := p.expression.FindStringSubmatch(host)
	if len(found) > 1 {
		return strings.ReplaceAll(p.text, anyRegion, found[1]) == host
	}
	return found != nil
}

// checkURL refuses every form that AWS's URLs do not have.
func checkURL(patterns []hostPattern, text string) error {
	u, err := url.Parse(text)
	switch {
	case err != nil:
		return errors.New("found something that is not a URL")
	case u.Scheme != "http":
		return fmt.Errorf("found the scheme %q, expected %q", u.Scheme, "http")
	case u.User != nil:
		return errors.New("found a user, expected none")
	case u.Host != u.Hostname():
		return fmt.Errorf("found the host %q, expected one without a port", u.Host)
	case !slices.ContainsFunc(patterns, func(p hostPattern) bool { return p.matches(u.Host) }):
		return fmt.Errorf("found the host %q, expected one of the allow list", u.Host)
	}
	return nil
}
