package certs_test

import (
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/nitroattest/nitroattest/attestation"
	"github.com/nitroattest/nitroattest/attestation/attestationtest"
	"github.com/nitroattest/nitroattest/certs"
	"github.com/nitroattest/nitroattest/pcr"
)

// Regional and zonal certificates name a list, so those of the root and of the
// regional authority make the status of a chain known.
func TestRevocationLists(t *testing.T) {
	r := newRevocable("lists")
	cert := func(level attestationtest.Level) *x509.Certificate { return r.cert(t, level) }
	url := func(level attestationtest.Level) string { return cert(level).CRLDistributionPoints[0] }
	stale := between(revocationTime.Add(-2*time.Hour), revocationTime.Add(-time.Second))
	otherKey := func(edits ...listEdit) []byte {
		list, err := x509.CreateRevocationList(nil, listTemplate(edits...), cert(levelRoot), r.blueprint.NewKey("other"))
		require.NoError(t, err)
		return list
	}
	damaged := r.list(t, levelRoot, revoking(cert(levelRegional)))
	damaged[len(damaged)-1] ^= 1
	ofRoot, ofRegional := r.list(t, levelRoot), r.list(t, levelRegional)
	const unknown = "found no list of its issuer that is current at 2025-04-15T02:30:00Z and covers it, expected that of [\"http://"

	for name, test := range map[string]struct {
		lists    [][]byte
		reason   certs.Reason // empty: accepted
		position attestationtest.Level
		detail   string
		open     certs.Reason // the same when failing open
	}{
		"current":         {lists: [][]byte{ofRoot, ofRegional}},
		"none":            {nil, certs.RevocationUnknown, levelRegional, unknown, ""},
		"root's only":     {[][]byte{ofRoot}, certs.RevocationUnknown, levelZonal, unknown, ""},
		"regional's only": {[][]byte{ofRegional}, certs.RevocationUnknown, levelRegional, unknown, ""},

		"regional revoked":       {[][]byte{r.list(t, levelRoot, revoking(cert(levelRegional))), ofRegional}, certs.Revoked, levelRegional, "revoked on 2025-04-15T01:30:00Z, by the list of 2025-04-15T01:30:00Z", certs.Revoked},
		"zonal revoked":          {[][]byte{ofRoot, r.list(t, levelRegional, revoking(cert(levelZonal)))}, certs.Revoked, levelZonal, "revoked on", certs.Revoked},
		"instance revoked":       {[][]byte{ofRoot, ofRegional, r.list(t, levelZonal, revoking(cert(levelInstance)))}, certs.Revoked, levelInstance, "revoked on", certs.Revoked},
		"by one list of two":     {[][]byte{ofRoot, r.list(t, levelRoot, revoking(cert(levelRegional))), ofRoot, ofRegional}, certs.Revoked, levelRegional, "revoked on", certs.Revoked},
		"serial of another":      {lists: [][]byte{r.list(t, levelRoot, revoking(cert(levelZonal))), r.list(t, levelRegional, revoking(cert(levelRegional)))}},
		"the root by its own":    {lists: [][]byte{r.list(t, levelRoot, revoking(cert(levelRoot))), ofRegional}},
		"revoked from tomorrow":  {[][]byte{r.list(t, levelRoot, between(revocationTime.AddDate(0, 0, 1), revocationTime.AddDate(0, 0, 2)), revoking(cert(levelRegional)))}, certs.Revoked, levelRegional, "revoked on 2025-04-16", certs.Revoked},
		"past nextUpdate":        {[][]byte{r.list(t, levelRoot, stale), ofRegional}, certs.RevocationUnknown, levelRegional, unknown, ""},
		"past, and revoking":     {[][]byte{r.list(t, levelRoot, stale, revoking(cert(levelRegional)))}, certs.Revoked, levelRegional, "revoked on", certs.Revoked},
		"at nextUpdate":          {lists: [][]byte{r.list(t, levelRoot, between(revocationTime.Add(-time.Hour), revocationTime)), ofRegional}},
		"made after the time":    {lists: [][]byte{r.list(t, levelRoot, between(revocationTime.Add(time.Minute), revocationTime.AddDate(0, 0, 1))), ofRegional}},
		"made before the expiry": {lists: [][]byte{ofRoot, r.list(t, levelRegional, between(cert(levelZonal).NotAfter, cert(levelZonal).NotAfter.AddDate(0, 0, 1)))}},
		"made after the expiry":  {[][]byte{ofRoot, r.list(t, levelRegional, between(cert(levelZonal).NotAfter.Add(time.Second), cert(levelZonal).NotAfter.AddDate(0, 0, 1)))}, certs.RevocationUnknown, levelZonal, unknown, ""},

		"same name, other key":     {[][]byte{otherKey(), ofRegional}, certs.RevocationUnknown, levelRegional, unknown, ""},
		"other key, revoking":      {[][]byte{otherKey(revoking(cert(levelRegional)))}, certs.RevocationUnknown, levelRegional, unknown, ""},
		"beside that of other key": {lists: [][]byte{otherKey(revoking(cert(levelRegional))), ofRoot, ofRegional}},
		"bad signature":            {[][]byte{damaged}, certs.RevocationUnknown, levelRegional, unknown, ""},
		"of another authority":     {[][]byte{r.list(t, levelRegional, revoking(cert(levelRegional)))}, certs.RevocationUnknown, levelRegional, unknown, ""},

		"scope of the URL":       {lists: [][]byte{r.list(t, levelRoot, scoped(urls(url(levelRegional)))), ofRegional}},
		"scope of several":       {lists: [][]byte{r.list(t, levelRoot, scoped(urls("http://a.invalid/", url(levelRegional)))), ofRegional}},
		"scope of URL, revoking": {[][]byte{r.list(t, levelRoot, scoped(urls(url(levelRegional))), revoking(cert(levelRegional)))}, certs.Revoked, levelRegional, "revoked on", certs.Revoked},
		"another scope":          {[][]byte{r.list(t, levelRoot, scoped(urls(url(levelZonal)))), ofRegional}, certs.RevocationUnknown, levelRegional, unknown, ""},
		"another scope revoking": {[][]byte{r.list(t, levelRoot, scoped(urls(url(levelZonal))), revoking(cert(levelRegional)))}, certs.RevocationUnknown, levelRegional, unknown, ""},
		"authorities only":       {lists: [][]byte{r.list(t, levelRoot, scoped(field(2, false, []byte{0xff}))), ofRegional}},

		"PEM with several": {lists: [][]byte{slices.Concat(toPEM(ofRoot), []byte("\r\n"), toPEM(ofRegional))}},
		"PEM, revoking":    {[][]byte{slices.Concat(toPEM(ofRoot), toPEM(r.list(t, levelRegional, revoking(cert(levelZonal)))))}, certs.Revoked, levelZonal, "revoked on", certs.Revoked},
	} {
		t.Run(name, func(t *testing.T) {
			err := r.verify(t, newRevocations(t, certs.RefuseUnknown, test.lists...))
			if test.reason == "" {
				require.NoError(t, err)
			} else {
				requireRefused(t, err, test.reason, test.position, test.detail)
			}
			err = r.verify(t, newRevocations(t, certs.InsecureAcceptUnknown, test.lists...))
			if test.open == "" {
				require.NoError(t, err)
			} else {
				requireRefused(t, err, test.open, test.position, test.detail)
			}
		})
	}
}

func toPEM(list []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "X509 CRL", Bytes: list})
}

// A leaf that names a list needs one, from an instance that may sign lists.
func TestRevocationOfLeaves(t *testing.T) {
	r := newRevocable("leaves")
	chain := r.blueprint.Chain
	names := func(c *attestationtest.Certificate) int { return len(c.Extensions) - 1 } // the CRL distribution point
	chain[levelLeaf].Extensions = append(chain[levelLeaf].Extensions, chain[levelZonal].Extensions[names(chain[levelZonal])])
	lists := [][]byte{r.list(t, levelRoot), r.list(t, levelRegional)}
	byInstance := sign(t, chain[levelInstance].Key, r.cert(t, levelInstance), listTemplate())

	err := r.verify(t, newRevocations(t, certs.RefuseUnknown, append(lists, byInstance)...))
	requireRefused(t, err, certs.RevocationUnknown, levelLeaf, "found no list")

	// With the key usage of the levels above, the instance may.
	usage := func(c *attestationtest.Certificate) int {
		return slices.IndexFunc(c.Extensions, func(e pkix.Extension) bool { return e.Id.String() == "2.5.29.15" })
	}
	chain[levelInstance].Extensions[usage(chain[levelInstance])] = chain[levelZonal].Extensions[usage(chain[levelZonal])]
	byInstance = r.list(t, levelInstance)
	require.NoError(t, r.verify(t, newRevocations(t, certs.RefuseUnknown, append(lists, byInstance)...)))
	authorities := r.list(t, levelInstance, scoped(field(2, false, []byte{0xff})))
	err = r.verify(t, newRevocations(t, certs.RefuseUnknown, append(lists, authorities)...))
	requireRefused(t, err, certs.RevocationUnknown, levelLeaf, "found no list")

	// A distribution point without a URL asks for a list as well.
	last := names(chain[levelLeaf])
	chain[levelLeaf].Extensions[last].Value = der(16, true, der(16, true, field(2, true, field(2, false, []byte("nobody.invalid")))))
	require.Empty(t, r.cert(t, levelLeaf).CRLDistributionPoints)
	err = r.verify(t, newRevocations(t, certs.RefuseUnknown, lists...))
	requireRefused(t, err, certs.RevocationUnknown, levelLeaf, "found no list")
}

func TestDenyList(t *testing.T) {
	r := newRevocable("denied")
	for level := levelRoot; level <= levelLeaf; level++ {
		cert := r.cert(t, level)
		id := certs.CertificateID{Issuer: cert.Issuer.String(), Serial: new(big.Int).Set(cert.SerialNumber)}
		revocations, err := certs.NewRevocations(certs.RevocationConfig{Unknown: certs.InsecureAcceptUnknown, Certificates: []certs.CertificateID{id}})
		require.NoError(t, err)
		requireRefused(t, r.verify(t, revocations), certs.Revoked, level, "it is denied by issuer and serial number")

		id.Serial.SetInt64(1) // a copy is what counts
		requireRefused(t, r.verify(t, revocations), certs.Revoked, level, "it is denied by issuer and serial number")

		require.NoError(t, revocations.SetDenied([]certs.CertificateID{
			{Issuer: cert.Issuer.String(), Serial: new(big.Int).Add(cert.SerialNumber, big.NewInt(1))},
			{Issuer: cert.Subject.String() + ",C=ZZ", Serial: cert.SerialNumber},
		}, []string{r.moduleID(t)[:len(r.moduleID(t))-1] + otherDigit(r.moduleID(t))}))
		require.NoError(t, r.verify(t, revocations))
	}

	revocations, err := certs.NewRevocations(certs.RevocationConfig{Unknown: certs.InsecureAcceptUnknown, Modules: []string{"i-0", r.moduleID(t)}})
	require.NoError(t, err)
	requireRefused(t, r.verify(t, revocations), certs.Revoked, levelLeaf, `the module "`+r.moduleID(t)+`" is denied by the entry "`+r.moduleID(t)+`"`)
	other := r.hypervisor.Enclave().Instance().NewEnclave()
	allow := func(config *attestation.Config) {
		config.Policy.Images = []pcr.Image{other.Image()}
	}
	_, err = r.verifier(t, revocations, allow).Verify(other.Attest(attestationtest.Request{}), lately)
	require.NoError(t, err)
}

func TestRevocationMistakes(t *testing.T) {
	r := newRevocable("mistakes")
	good := certs.CertificateID{Issuer: "CN=some", Serial: big.NewInt(1)}
	deny := func(issuer string, serial *big.Int) certs.RevocationConfig {
		return certs.RevocationConfig{Unknown: certs.RefuseUnknown, Certificates: []certs.CertificateID{good, {Issuer: issuer, Serial: serial}}}
	}
	module := func(module string) certs.RevocationConfig {
		return certs.RevocationConfig{Unknown: certs.RefuseUnknown, Modules: []string{"i-0", module}}
	}
	id := r.moduleID(t)
	one := big.NewInt(1)
	const issuer = "certs: denied certificate 1: issuer "
	for name, test := range map[string]struct {
		config certs.RevocationConfig
		text   string
	}{
		"zero":            {certs.RevocationConfig{}, `certs: RevocationConfig.Unknown: found "", expected "refuse" or "insecure-accept"`},
		"another word":    {certs.RevocationConfig{Unknown: "accept"}, `certs: RevocationConfig.Unknown: found "accept"`},
		"negative size":   {certs.RevocationConfig{Unknown: certs.RefuseUnknown, MaxListSize: -1}, "certs: RevocationConfig.MaxListSize: found -1, expected 1 or more, or 0 for 1048576"},
		"no serial":       {deny("CN=some", nil), "certs: denied certificate 1: found the serial number <nil>"},
		"negative serial": {deny("CN=some", big.NewInt(-1)), "certs: denied certificate 1: found the serial number -1, expected a positive number"},
		"zero serial":     {deny("CN=some", new(big.Int)), "certs: denied certificate 1: found the serial number 0"},
		"no issuer":       {deny("", one), issuer + `"": found "", expected an attribute like CN=zonal.example`},
		"no attribute":    {deny("aws.nitro-enclaves", one), issuer + `"aws.nitro-enclaves": found "aws.nitro-enclaves", expected an attribute`},
		"unknown type":    {deny("CN=a,XY=b", one), issuer + `"CN=a,XY=b": found "XY=b", expected an attribute`},
		"no value":        {deny("CN=a,O= ", one), issuer + `"CN=a,O= ": found "O=", expected a value`},
		"no common name":  {deny("OU=AWS,O=Amazon", one), issuer + `"OU=AWS,O=Amazon": found no CN`},
		"a line end":      {deny("CN=a\n", one), issuer + `"CN=a\n": found a control character or a line end`},
		"quotes":          {deny(`CN="a, b"`, one), issuer + `"CN=\"a, b\"": found`},
		"a backslash":     {deny(`CN=a\`, one), issuer + `"CN=a\\": found a backslash at the end`},
		"a comma at end":  {deny("CN=a,", one), issuer + `"CN=a,": found ""`},
		"empty module":    {module(""), `certs: denied module 1: found "", expected a module ID like`},
		"module, line":    {module(id + "\n"), `\n", expected a module ID like`},
		"module, space":   {module(" " + id), `found " i-`},
		"module, longer":  {module(id + "0"), "expected a module ID like"},
		"module, cut":     {module(id[:len(id)-1]), "expected a module ID like"},
		"upper case":      {module(strings.ToUpper(id)), "expected a module ID like"},
		"instance, dash":  {module("i-0123456789abcdef0-"), "expected a module ID like"},
		"unreadable list": {certs.RevocationConfig{Unknown: certs.RefuseUnknown, CRLs: [][]byte{r.list(t, levelRoot), {0x30}}}, "malformed-list: list 1: found something that is not a revocation list in DER: x509: "},
	} {
		t.Run(name, func(t *testing.T) {
			revocations, err := certs.NewRevocations(test.config)
			require.ErrorContains(t, err, test.text)
			assert.Nil(t, revocations)
		})
	}
}

// What people have of an issuer and of a module is understood.
func TestFormsOfDenyEntries(t *testing.T) {
	r := newRevocable("forms")
	zonal := r.cert(t, levelZonal)
	name := zonal.Issuer
	cn := name.CommonName
	for _, issuer := range []string{
		name.String(),
		"C=US,O=Amazon,OU=AWS,CN=" + cn,
		"issuer=C = US, O = Amazon, OU = AWS, CN = " + cn,
		"issuer= /C=US/O=Amazon/OU=AWS/CN=" + cn,
		"CN = " + cn + ", OU = AWS, O = Amazon, C = US ",
		`cn=\` + fmt.Sprintf("%x", cn[:1]) + cn[1:] + `+OU=A\WS,O=Amazon,C=US`,
	} {
		revocations := newRevocations(t, certs.InsecureAcceptUnknown)
		require.NoError(t, revocations.SetDenied([]certs.CertificateID{{Issuer: issuer, Serial: zonal.SerialNumber}}, nil), issuer)
		requireRefused(t, r.verify(t, revocations), certs.Revoked, levelZonal, "it is denied by issuer and serial number")
	}
	for _, issuer := range []string{cn, name.String() + ",C=US", "C=US,O=Amazon,OU=AWS,CN=" + cn + "x", "CN=" + cn, "C=US,O=Amazon,OU=aws,CN=" + cn, "C=US,O=Amazon,OU=AWS,CN=" + cn + `\ `} {
		revocations := newRevocations(t, certs.InsecureAcceptUnknown)
		if err := revocations.SetDenied([]certs.CertificateID{{Issuer: issuer, Serial: zonal.SerialNumber}}, nil); err == nil {
			require.NoError(t, r.verify(t, revocations), issuer)
		}
	}

	id := r.moduleID(t)
	instance := id[:strings.LastIndexByte(id, '-')]
	revocations := newRevocations(t, certs.InsecureAcceptUnknown)
	require.NoError(t, revocations.SetDenied(nil, []string{"i-0", instance[:len(instance)-1], instance + "0", "i-0123456789abcdef0-tpm0000000000000000"}))
	require.NoError(t, r.verify(t, revocations))
	require.NoError(t, revocations.SetDenied(nil, []string{instance}))
	requireRefused(t, r.verify(t, revocations), certs.Revoked, levelLeaf, `the module "`+id+`" is denied by the entry "`+instance+`"`)
}

// otherDigit is another hex digit than the last of an ID.
func otherDigit(id string) string {
	if strings.HasSuffix(id, "0") {
		return "1"
	}
	return "0"
}

func TestZeroRevocations(t *testing.T) {
	r := newRevocable("zero")
	const text = "found a zero value, expected what NewRevocations returns"
	_, err := attestation.NewVerifier(attestation.Config{InsecureAnyImage: true, Revocations: new(certs.Revocations)})
	require.ErrorContains(t, err, text)
	for _, revocations := range []*certs.Revocations{nil, new(certs.Revocations)} {
		require.ErrorContains(t, revocations.SetCRLs(), text)
		require.ErrorContains(t, revocations.SetDenied(nil, nil), text)
		require.ErrorContains(t, revocations.SaveMemory(), text)
		require.ErrorContains(t, revocations.Update(r.cert(t, levelRoot), r.list(t, levelRoot)), text)
		require.Zero(t, revocations.CurrentUntil(r.cert(t, levelRoot), r.cert(t, levelRegional)))
	}
}

// A change counts for chains that were verified before it, and a change that
// fails changes nothing.
func TestRevocationOfCachedChains(t *testing.T) {
	r := newRevocable("cached")
	good := [][]byte{r.list(t, levelRoot), r.list(t, levelRegional)}
	revocations := newRevocations(t, certs.RefuseUnknown, good...)
	verifier := r.verifier(t, revocations)
	document := r.blueprint.Document()
	verify := func() error {
		_, err := verifier.Verify(document, lately)
		return err
	}
	require.NoError(t, verify())
	require.NoError(t, verify())

	require.NoError(t, revocations.SetCRLs(r.list(t, levelRoot, revoking(r.cert(t, levelRegional))), r.list(t, levelRegional)))
	requireRefused(t, verify(), certs.Revoked, levelRegional, "revoked on")
	require.ErrorContains(t, revocations.SetCRLs(append(good, []byte("x"))...), "malformed-list: list 2: ")
	requireRefused(t, verify(), certs.Revoked, levelRegional, "revoked on")
	require.NoError(t, revocations.SetCRLs(good...))
	require.NoError(t, verify())

	require.NoError(t, revocations.SetDenied(nil, []string{r.moduleID(t)}))
	requireRefused(t, verify(), certs.Revoked, levelLeaf, "is denied")
	require.Error(t, revocations.SetDenied([]certs.CertificateID{{}}, nil))
	requireRefused(t, verify(), certs.Revoked, levelLeaf, "is denied")
	require.NoError(t, revocations.SetDenied(nil, nil))
	require.NoError(t, verify())

	require.NoError(t, revocations.SetCRLs())
	require.NoError(t, r.verify(t, nil), "revocation is not asked for")
	requireRefused(t, verify(), certs.RevocationUnknown, levelRegional, "found no list")

	report := verifier.Appraise(document, lately)
	i := slices.IndexFunc(report.Checks, func(c attestation.Check) bool { return c.Name == "revocation" })
	assert.Equal(t, attestation.Fail, report.Checks[i].Status)
	assert.Equal(t, attestation.CertificateRevoked, report.Checks[i].Reason)
}

// Of a document that is appraised as of its own timestamp, the lists have to be
// current then; the present plays no part.
func TestRevocationOfRecordedDocuments(t *testing.T) {
	r := newRevocable("recorded")
	yearsLater := revocationTime.AddDate(3, 0, 0)
	verify := func(lists ...[]byte) error {
		verifier := r.verifier(t, newRevocations(t, certs.RefuseUnknown, lists...), func(config *attestation.Config) {
			config.Recorded = true
			config.Now = func() time.Time { return yearsLater }
		})
		_, err := verifier.Verify(r.blueprint.Document(), attestation.Expect{})
		return err
	}
	require.NoError(t, verify(r.list(t, levelRoot), r.list(t, levelRegional)))
	before := between(revocationTime.AddDate(0, 0, -2), revocationTime.AddDate(0, 0, -1))
	requireRefused(t, verify(r.list(t, levelRoot, before), r.list(t, levelRegional)), certs.RevocationUnknown, levelRegional, "current at 2025-04-15T02:30:00Z")
	// A list of years later no longer holds what had expired.
	later := between(yearsLater, yearsLater.AddDate(0, 0, 1))
	requireRefused(t, verify(r.list(t, levelRoot), r.list(t, levelRegional, later)), certs.RevocationUnknown, levelZonal, "found no list")
	requireRefused(t, verify(r.list(t, levelRoot), r.list(t, levelRegional, later, revoking(r.cert(t, levelZonal)))), certs.Revoked, levelZonal, "revoked on 2028-04-15")
}

// Under the race detector, this shows that lists may be replaced at any time.
func TestRevocationsAtOnce(t *testing.T) {
	r := newRevocable("at once")
	good := [][]byte{r.list(t, levelRoot), r.list(t, levelRegional)}
	bad := [][]byte{r.list(t, levelRoot, revoking(r.cert(t, levelRegional))), good[1]}
	issuer, module, document := r.cert(t, levelRoot), r.moduleID(t), r.blueprint.Document()
	revocations := newRevocations(t, certs.RefuseUnknown, good...)
	verifier := r.verifier(t, revocations)
	var group sync.WaitGroup
	for range 2 {
		group.Go(func() {
			for i := range 40 {
				if _, err := verifier.Verify(document, lately); err != nil {
					assert.ErrorIs(t, err, certs.Revoked)
				}
				assert.NoError(t, revocations.SetCRLs([][][]byte{good, bad}[i%2]...))
				assert.NoError(t, revocations.Update(issuer, good[0]))
				assert.NoError(t, revocations.SetDenied(nil, []string{module}[:i%2]))
			}
		})
	}
	group.Wait()
}
