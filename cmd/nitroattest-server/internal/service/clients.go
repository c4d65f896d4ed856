package service

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// clientCheck is what a client's certificate has to be beside one of a known
// authority.
type clientCheck struct {
	names []string
	lists *clientLists
}

var errClientName = errors.New("the client's certificate has none of the names that are allowed")

func (c clientCheck) verify(state tls.ConnectionState) error {
	if len(state.VerifiedChains) == 0 {
		return errors.New("the client has no certificate of a known authority")
	}
	if len(c.names) > 0 && !c.allowed(state.VerifiedChains[0][0]) {
		return errClientName
	}
	if c.lists == nil {
		return nil
	}
	var err error
	for _, chain := range state.VerifiedChains {
		if err = c.lists.check(chain, time.Now()); err == nil {
			return nil
		}
	}
	return err
}

// allowed compares names of one kind only: an authority that may issue any DNS name
// need not be trusted with the text of a SPIFFE ID in one.
func (c clientCheck) allowed(cert *x509.Certificate) bool {
	return slices.ContainsFunc(c.names, func(allowed string) bool {
		switch {
		case strings.Contains(allowed, "://"):
			return slices.ContainsFunc(cert.URIs, func(u *url.URL) bool { return matchesURI(allowed, u.String()) })
		case strings.Contains(allowed, "@"):
			return slices.Contains(cert.EmailAddresses, allowed)
		default:
			return slices.Contains(cert.DNSNames, allowed)
		}
	})
}

func matchesURI(allowed, uri string) bool {
	if prefix, ok := strings.CutSuffix(allowed, "*"); ok && isURIPattern(allowed) {
		return len(uri) > len(prefix) && strings.HasPrefix(uri, prefix)
	}
	return uri == allowed
}

// clientEnded reports whether the certificate of a client, or one above it, has ended
// since its connection began. A new connection is refused then.
func clientEnded(r *http.Request, now time.Time) bool {
	return r.TLS != nil && len(r.TLS.VerifiedChains) > 0 && !slices.ContainsFunc(r.TLS.VerifiedChains, func(chain []*x509.Certificate) bool {
		return !slices.ContainsFunc(chain, func(cert *x509.Certificate) bool { return now.After(cert.NotAfter) })
	})
}

// isURIPattern reports whether a star at the end stands for the rest of a path,
// and for no part of a host.
func isURIPattern(pattern string) bool {
	_, rest, ok := strings.Cut(pattern, "://")
	return ok && strings.HasSuffix(rest, "/*") && strings.Index(rest, "/") > 0
}

// CheckClientName refuses what could match nothing, or more than it seems to.
func CheckClientName(name string) error {
	if name == "" || strings.TrimSpace(name) != name {
		return fmt.Errorf("found %q, expected a DNS name, a URI or an e-mail address", name)
	}
	if strings.Contains(name, "*") && (strings.Count(name, "*") != 1 || !isURIPattern(name)) {
		return fmt.Errorf("found a * in %q, expected it only after the last / of a URI's path", name)
	}
	return nil
}

// clientLists are revocation lists (RFC 5280, section 5).
type clientLists struct{ lists []*x509.RevocationList }

func (t *tlsFiles) setClientLists(contents [][]byte) (inUse, error) {
	lists, err := parseLists(contents[0])
	if err != nil {
		return inUse{}, err
	}
	newest, err := notOlder(lists, t.newest)
	if err != nil {
		return inUse{}, err
	}
	t.lists, t.newest = &clientLists{lists}, newest
	t.put()
	use := inUse{ID: hexSHA256(contents[0]), expires: lists[0].NextUpdate}
	for _, list := range lists {
		if list.NextUpdate.Before(use.expires) {
			use.expires = list.NextUpdate
		}
	}
	return use, nil
}

// notOlder refuses lists that go back behind those of before of the same issuer and
// key, as --crl does: whoever can put an old list into the file would bring back who
// was revoked since. It returns the newest of each issuer, also of those that have
// gone from the file.
func notOlder(lists []*x509.RevocationList, before map[string]*x509.RevocationList) (map[string]*x509.RevocationList, error) {
	now := map[string]*x509.RevocationList{}
	for _, list := range lists {
		issuer := string(list.RawIssuer) + string(list.AuthorityKeyId)
		if now[issuer] == nil || older(now[issuer], list) {
			now[issuer] = list
		}
	}
	for issuer, old := range before {
		switch list := now[issuer]; {
		case list == nil:
			now[issuer] = old
		case older(list, old):
			return nil, fmt.Errorf("found the revocation list of %s with number %v by %q, expected none older than that of %s with number %v, which was there before",
				list.ThisUpdate.Format(time.RFC3339), list.Number, list.Issuer, old.ThisUpdate.Format(time.RFC3339), old.Number)
		}
	}
	return now, nil
}

// older compares lists of one issuer (RFC 5280, sections 5.1.2.4 and 5.2.3).
func older(list, other *x509.RevocationList) bool {
	if !list.ThisUpdate.Equal(other.ThisUpdate) {
		return list.ThisUpdate.Before(other.ThisUpdate)
	}
	return list.Number != nil && other.Number != nil && list.Number.Cmp(other.Number) < 0
}

func parseLists(data []byte) ([]*x509.RevocationList, error) {
	var ders [][]byte
	for block, rest := pem.Decode(data); block != nil; block, rest = pem.Decode(rest) {
		if block.Type != "X509 CRL" {
			return nil, fmt.Errorf("found a PEM block %q, expected revocation lists", block.Type)
		}
		ders = append(ders, block.Bytes)
	}
	switch begun := bytes.Count(data, []byte("-----BEGIN")); {
	case begun != len(ders):
		return nil, fmt.Errorf("found %d PEM blocks of which %d can be read", begun, len(ders))
	case begun == 0:
		ders = [][]byte{data}
	}
	var lists []*x509.RevocationList
	for _, der := range ders {
		list, err := x509.ParseRevocationList(der)
		if err != nil {
			return nil, err
		}
		if list.NextUpdate.IsZero() {
			return nil, errors.New("found a revocation list without a next update, expected one")
		}
		if err := checkComplete(list); err != nil {
			return nil, err
		}
		lists = append(lists, list)
	}
	return lists, nil
}

// checkComplete refuses a list that says of a part of the certificates only which
// ones are revoked, such as a delta or one of some reasons, or that speaks for
// another issuer. Critical extensions tell (RFC 5280, sections 5.2 and 5.3).
func checkComplete(list *x509.RevocationList) error {
	critical := func(e pkix.Extension) bool { return e.Critical }
	if i := slices.IndexFunc(list.Extensions, critical); i >= 0 {
		return fmt.Errorf("found a revocation list with the critical extension %s, expected a complete one without", list.Extensions[i].Id)
	}
	for _, entry := range list.RevokedCertificateEntries {
		if i := slices.IndexFunc(entry.Extensions, critical); i >= 0 {
			return fmt.Errorf("found a revocation list with the critical extension %s in an entry, expected none", entry.Extensions[i].Id)
		}
	}
	return nil
}

// check looks at a chain, the client's certificate first.
func (l *clientLists) check(chain []*x509.Certificate, now time.Time) error {
	for i, cert := range chain[:len(chain)-1] {
		list := l.of(chain[i+1])
		switch {
		case list == nil:
			return fmt.Errorf("found no revocation list by %q", chain[i+1].Subject)
		case now.After(list.NextUpdate):
			return fmt.Errorf("the revocation list by %q was to be replaced by %s", chain[i+1].Subject, list.NextUpdate.Format(time.RFC3339))
		case slices.ContainsFunc(list.RevokedCertificateEntries, func(e x509.RevocationListEntry) bool { return e.SerialNumber.Cmp(cert.SerialNumber) == 0 }):
			return fmt.Errorf("the certificate of %q is revoked", cert.Subject)
		}
	}
	return nil
}

// of returns the newest list that an authority has signed, or nil.
func (l *clientLists) of(issuer *x509.Certificate) *x509.RevocationList {
	var newest *x509.RevocationList
	for _, list := range l.lists {
		if bytes.Equal(list.RawIssuer, issuer.RawSubject) && list.CheckSignatureFrom(issuer) == nil && (newest == nil || list.ThisUpdate.After(newest.ThisUpdate)) {
			newest = list
		}
	}
	return newest
}
