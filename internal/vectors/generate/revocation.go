package main

import (
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"fmt"
	"math/big"
	"time"

	"github.com/nitroattest/nitroattest/attestation"
	"github.com/nitroattest/nitroattest/attestation/attestationtest"
	"github.com/nitroattest/nitroattest/internal/vectors"
)

const (
	root     = attestationtest.LevelRoot
	regional = attestationtest.LevelRegional
	zonal    = attestationtest.LevelZonal
	instance = attestationtest.LevelInstance
	leaf     = attestationtest.LevelLeaf
)

// lists makes the revocation lists of one chain. The first error is kept.
type lists struct {
	chain []*attestationtest.Certificate
	err   error
}

// list is one of an issuer, current unless edited, that revokes the
// certificates at some levels.
func (l *lists) list(issuer attestationtest.Level, edit func(*x509.RevocationList), revoked ...attestationtest.Level) []byte {
	template := &x509.RevocationList{Number: big.NewInt(1), ThisUpdate: judged.Add(-time.Hour), NextUpdate: judged.Add(24 * time.Hour)}
	for _, level := range revoked {
		template.RevokedCertificateEntries = append(template.RevokedCertificateEntries, x509.RevocationListEntry{
			SerialNumber: new(big.Int).SetBytes(l.chain[level].Serial), RevocationTime: judged.Add(-2 * time.Hour), ReasonCode: 1,
		})
	}
	if edit != nil {
		edit(template)
	}
	der, err := l.chain[issuer].SignRevocationList(template)
	if err != nil && l.err == nil {
		l.err = fmt.Errorf("list of the %s certificate: %w", issuer, err)
	}
	return der
}

// forged has the issuer's name and not its key.
func (l *lists) forged(issuer attestationtest.Level, key *attestationtest.Certificate, revoked ...attestationtest.Level) []byte {
	other := &lists{chain: append([]*attestationtest.Certificate{}, l.chain...)}
	forger := *l.chain[issuer]
	forger.Key = key.Key
	forger.PublicKey = nil
	other.chain[issuer] = &forger
	der := other.list(issuer, nil, revoked...)
	if l.err == nil {
		l.err = other.err
	}
	return der
}

func outdated(list *x509.RevocationList) {
	list.ThisUpdate, list.NextUpdate = judged.Add(-48*time.Hour), judged.Add(-time.Second)
}

func ofLater(list *x509.RevocationList) {
	list.ThisUpdate, list.NextUpdate = judged.Add(time.Second), judged.Add(48*time.Hour)
}

func afterExpiry(list *x509.RevocationList) {
	list.ThisUpdate, list.NextUpdate = judged.AddDate(0, 0, 30), judged.AddDate(0, 0, 31)
}

// scoped says that a list covers the certificates that name one URL (RFC 5280,
// section 5.2.5).
func scoped(url string) func(*x509.RevocationList) {
	context := func(tag int, compound bool, content []byte) []byte {
		der, _ := asn1.Marshal(asn1.RawValue{Class: asn1.ClassContextSpecific, Tag: tag, IsCompound: compound, Bytes: content})
		return der
	}
	point := context(0, true, context(0, true, context(6, false, []byte(url))))
	value, _ := asn1.Marshal(asn1.RawValue{Tag: asn1.TagSequence, IsCompound: true, Bytes: point})
	return func(list *x509.RevocationList) {
		list.ExtraExtensions = []pkix.Extension{{Id: asn1.ObjectIdentifier{2, 5, 29, 28}, Critical: true, Value: value}}
	}
}

// revocations makes tests of one good document beside revocation lists.
func revocations(h *attestationtest.Hypervisor) (vectors.Group, error) {
	group := vectors.Group{
		Type:    vectors.Documents,
		Comment: "One good simulated document, judged beside revocation lists. Its regional and zonal certificates name a list; those of the instance and the leaf do not.",
	}
	l := &lists{}
	c := h.Case(attestationtest.Mutation{Apply: func(b *attestationtest.Blueprint) { l.chain = b.Chain }})
	document, err := attestation.ParseUnverified(c.Document)
	if err != nil {
		return group, err
	}
	zone, err := l.chain[zonal].X509()
	if err != nil {
		return group, err
	}
	region, err := l.chain[regional].X509()
	if err != nil {
		return group, err
	}
	zoneURL, regionURL := zone.CRLDistributionPoints[0], region.CRLDistributionPoints[0]
	fromRoot, fromRegion := l.list(root, nil), l.list(regional, nil)
	unrelated := func(list *x509.RevocationList) {
		list.RevokedCertificateEntries = []x509.RevocationListEntry{{SerialNumber: big.NewInt(7), RevocationTime: judged.Add(-time.Hour)}}
	}

	const accept, refuse = "accept", "refuse"
	for _, t := range []struct {
		name, unknown string
		valid         bool
		crls          [][]byte
		comment       string
	}{
		{"current", refuse, true, [][]byte{fromRoot, fromRegion}, "current lists of both issuers that have one, with nothing on them"},
		{"other-serial", refuse, true, [][]byte{l.list(root, unrelated), fromRegion}, "another certificate is on the list"},
		{"scoped", refuse, true, [][]byte{l.list(root, scoped(regionURL)), l.list(regional, scoped(zoneURL))}, "the lists are for the URLs that the certificates name"},
		{"later", refuse, true, [][]byte{l.list(root, ofLater), fromRegion}, "the root's list is of a later second: an entry stays on all lists until the certificate has expired"},
		{"unneeded-list", refuse, true, [][]byte{fromRoot, fromRegion, l.list(zonal, nil)}, "a list of the zonal certificate, which the instance certificate does not name"},
		{"none-accept", accept, true, nil, "no list, and that is accepted"},
		{"outdated-accept", accept, true, [][]byte{l.list(root, outdated), l.list(regional, outdated)}, "outdated lists, and that is accepted"},
		{"forged-accept", accept, true, [][]byte{l.forged(root, l.chain[leaf], regional)}, "a list with the name of the root that another key signed revokes nothing"},
		{"serial-of-other-issuer", refuse, true, [][]byte{l.list(root, nil, zonal), fromRegion}, "the serial number of the zonal certificate on the list of the root, which did not issue it"},
		{"regional", refuse, false, [][]byte{l.list(root, nil, regional), fromRegion}, "the regional certificate is on the root's list"},
		{"zonal", refuse, false, [][]byte{fromRoot, l.list(regional, nil, zonal)}, "the zonal certificate is on the regional one's list"},
		{"instance", refuse, false, [][]byte{fromRoot, fromRegion, l.list(zonal, nil, instance)}, "the instance certificate names no list, and the zonal one's holds it"},
		{"regional-accept", accept, false, [][]byte{l.list(root, nil, regional)}, "the regional certificate is on a list, where missing lists are accepted"},
		{"regional-outdated", accept, false, [][]byte{l.list(root, outdated, regional)}, "the regional certificate is on an outdated list: it stays revoked"},
		{"regional-second-list", refuse, false, [][]byte{fromRoot, fromRegion, l.list(root, nil, regional)}, "the regional certificate is on the second of two lists"},
		{"none", refuse, false, nil, "no list at hand"},
		{"zonal-missing", refuse, false, [][]byte{fromRoot}, "no list of the regional certificate"},
		{"regional-missing", refuse, false, [][]byte{fromRegion}, "no list of the root"},
		{"outdated", refuse, false, [][]byte{l.list(root, outdated), fromRegion}, "the root's list expired a second ago"},
		{"after-expiry", refuse, false, [][]byte{l.list(root, afterExpiry), fromRegion}, "the root's list was made after the regional certificate expired, and need not hold it any more"},
		{"forged", refuse, false, [][]byte{l.forged(root, l.chain[leaf]), fromRegion}, "the root's list is signed by another key"},
		{"other-scope", refuse, false, [][]byte{l.list(root, scoped(zoneURL)), fromRegion}, "the root's list is for another URL than the regional certificate names"},
	} {
		test := testOf(c)
		test.Name, test.Comment, test.Flags = "revocation-"+t.name, t.comment, []string{"Revocation"}
		test.Config.Revocation = &vectors.Revocation{Unknown: t.unknown, CRLs: append([][]byte{}, t.crls...), Certificates: []vectors.CertificateID{}, Modules: []string{}}
		group.Tests = append(group.Tests, verdict(test, t.valid))
	}
	denied := func(name, comment string, valid bool, edit func(*vectors.Revocation)) {
		test := testOf(c)
		test.Name, test.Comment, test.Flags = "revocation-"+name, comment, []string{"Revocation"}
		test.Config.Revocation = &vectors.Revocation{Unknown: accept, CRLs: [][]byte{}, Certificates: []vectors.CertificateID{}, Modules: []string{}}
		edit(test.Config.Revocation)
		group.Tests = append(group.Tests, verdict(test, valid))
	}
	denied("module-denied", "the module is denied by its ID", false, func(r *vectors.Revocation) {
		r.Modules = []string{document.Document.ModuleID}
	})
	instance := document.Document.InstanceID()
	denied("other-module-denied", "another module of the instance is denied", true, func(r *vectors.Revocation) {
		r.Modules = []string{instance + "-enc0123456789abcdef"}
	})
	denied("instance-denied", "all modules of the instance are denied by its ID", false, func(r *vectors.Revocation) {
		r.Modules = []string{instance}
	})
	denied("other-instance-denied", "an instance is denied whose ID begins in the same way", true, func(r *vectors.Revocation) {
		r.Modules = []string{instance[:len(instance)-1]}
	})
	denied("certificate-denied", "the zonal certificate is denied by issuer and serial number", false, func(r *vectors.Revocation) {
		r.Certificates = []vectors.CertificateID{{Issuer: zone.Issuer.String(), Serial: zone.SerialNumber.Text(16)}}
	})
	denied("other-issuer-denied", "the serial number of the zonal certificate is denied of another issuer", true, func(r *vectors.Revocation) {
		r.Certificates = []vectors.CertificateID{{Issuer: zone.Subject.String(), Serial: zone.SerialNumber.Text(16)}}
	})
	return group, l.err
}

// verdict sets what has to come of a test beside revocation lists.
func verdict(test vectors.Test, valid bool) vectors.Test {
	if !valid {
		test.Result, test.Reason, test.Image = vectors.Invalid, string(attestation.CertificateRevoked), ""
	}
	return test
}
