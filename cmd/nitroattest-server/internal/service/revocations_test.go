package service_test

import (
	"bytes"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/pem"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/nitroattest/nitroattest/attestation"
	"github.com/nitroattest/nitroattest/attestation/attestationtest"
	"github.com/nitroattest/nitroattest/certs"
	"github.com/nitroattest/nitroattest/cmd/nitroattest-server/internal/service"
)

const (
	root     = attestationtest.LevelRoot
	regional = attestationtest.LevelRegional
	zonal    = attestationtest.LevelZonal
)

// listKit is a kit whose policies prod and staging share two lists.
type listKit struct {
	*kit
	lists string // the directory of root.crl and regional.crl
	made  time.Time
}

func newListKit(t *testing.T, unknown certs.UnknownStatus) *listKit {
	t.Helper()
	l := &listKit{lists: t.TempDir(), made: time.Now().Add(-time.Hour)}
	newKit(t, func(k *kit) {
		l.kit = k
		l.put(t, "root.crl", l.list(t, root, 1))
		l.put(t, "regional.crl", l.list(t, regional, 1))
		revocations, err := service.LoadRevocations(k.config.Files, unknown, "", l.paths("root.crl", "regional.crl", "root.crl"))
		require.NoError(t, err)
		k.write(t, "prod.json", policyJSON(t, k.hypervisor.Enclave().Image()))
		k.write(t, "staging.json", policyJSON(t, k.hypervisor.Enclave().Image()))
		k.config.Policies = k.load(t, attestation.Config{Revocations: revocations})
	})
	return l
}

// list has the given number and revokes certificates of the levels.
func (l *listKit) list(t *testing.T, of attestationtest.Level, number int64, revoked ...attestationtest.Level) []byte {
	t.Helper()
	return l.listWith(t, of, &x509.RevocationList{Number: big.NewInt(number)}, revoked...)
}

func (l *listKit) listWith(t *testing.T, of attestationtest.Level, list *x509.RevocationList, revoked ...attestationtest.Level) []byte {
	t.Helper()
	chain := l.hypervisor.Blueprint(attestationtest.Request{}).Chain
	if list.ThisUpdate.IsZero() {
		list.ThisUpdate = l.made
	}
	if list.NextUpdate.IsZero() {
		list.NextUpdate = l.made.Add(24 * time.Hour)
	}
	for _, level := range revoked {
		serial := new(big.Int).SetBytes(chain[level].Serial)
		list.RevokedCertificateEntries = append(list.RevokedCertificateEntries, x509.RevocationListEntry{SerialNumber: serial, RevocationTime: l.made})
	}
	der, err := chain[of].SignRevocationList(list)
	require.NoError(t, err)
	return der
}

func (l *listKit) path(name string) string { return filepath.Join(l.lists, name) }

func (l *listKit) paths(names ...string) []string {
	for i, name := range names {
		names[i] = l.path(name)
	}
	return names
}

func (l *listKit) put(t *testing.T, name string, data []byte) {
	t.Helper()
	require.NoError(t, os.WriteFile(l.path(name), data, 0o600))
}

func (l *listKit) reason(t *testing.T, policy string) any {
	t.Helper()
	verdict := l.verify(t, with(l.good(t), "policy", policy))
	assert.Equal(t, verdict["reason"] == "", verdict["accepted"])
	return verdict["reason"]
}

func crlPEM(lists ...[]byte) []byte {
	var file []byte
	for _, list := range lists {
		file = append(file, pem.EncodeToMemory(&pem.Block{Type: "X509 CRL", Bytes: list})...)
	}
	return file
}

// Of several lists in a file the first that has to be replaced counts.
func TestMetricsSayWhenListsEnd(t *testing.T) {
	k := newListKit(t, certs.RefuseUnknown)
	metric := `nitroattest_file_expiry_timestamp_seconds{file="` + k.path("regional.crl") + `",kind="crl"}`
	assert.EqualValues(t, k.made.Add(24*time.Hour).Unix(), k.metric(t, metric))

	later := k.listWith(t, root, &x509.RevocationList{Number: big.NewInt(2), NextUpdate: k.made.Add(72 * time.Hour)})
	earlier := k.listWith(t, regional, &x509.RevocationList{Number: big.NewInt(2), NextUpdate: k.made.Add(48 * time.Hour)})
	for number, file := range [][]byte{crlPEM(later, earlier), crlPEM(earlier, later)} {
		k.put(t, "regional.crl", file)
		k.reload()
		assert.EqualValues(t, k.made.Add(48*time.Hour).Unix(), k.metric(t, metric), number)
	}
	k.put(t, "regional.crl", []byte("broken"))
	k.reload()
	assert.EqualValues(t, k.made.Add(48*time.Hour).Unix(), k.metric(t, metric), "of what is in use")
}

func TestAListThatRevokesTakesEffectForAllPolicies(t *testing.T) {
	k := newListKit(t, certs.RefuseUnknown)
	assert.Equal(t, "", k.reason(t, "prod"))
	assert.Equal(t, "", k.reason(t, "staging"))
	_, state := k.send(t, "GET", "/readyz", "")
	before := state["files"].([]any)
	require.Len(t, before, 2, "the file that is named twice is read once")
	assert.Equal(t, []any{k.path("root.crl")}, before[0].(object)["paths"])

	k.put(t, "regional.crl", k.list(t, regional, 2, zonal))
	assert.Equal(t, "", k.reason(t, "prod"), "not reloaded yet")
	k.reload()
	assert.Equal(t, "certificate-revoked", k.reason(t, "prod"))
	assert.Equal(t, "certificate-revoked", k.reason(t, "staging"))
	_, state = k.send(t, "GET", "/readyz", "")
	after := state["files"].([]any)
	assert.Equal(t, before[0], after[0])
	assert.NotEqual(t, before[1], after[1])
	id := after[1].(object)["id"].(string)
	assert.Contains(t, k.log.String(), `"msg":"file loaded","kind":"crl","files":"`+k.path("regional.crl")+`","id":"`+id+`"`)
	assert.Contains(t, k.metrics(t), `nitroattest_file_loaded{file="`+k.path("regional.crl")+`",id="`+id+`",kind="crl"} 1`)

	// The list of one file changes nothing about that of another.
	k.put(t, "root.crl", k.list(t, root, 2))
	k.reload()
	assert.Equal(t, "certificate-revoked", k.reason(t, "prod"))
	k.put(t, "regional.crl", k.list(t, regional, 3))
	k.reload()
	assert.Equal(t, "", k.reason(t, "prod"))
}

func TestABrokenListKeepsTheOldOneAndIsReported(t *testing.T) {
	k := newListKit(t, certs.RefuseUnknown)
	good := k.list(t, root, 2, regional)
	k.put(t, "root.crl", good)
	k.reload()
	require.Equal(t, "certificate-revoked", k.reason(t, "prod"), "from here on the list is known to be genuine")
	path := k.path("root.crl")
	clear := func() { require.NoError(t, os.RemoveAll(path)) }
	put := func(data []byte) func() { return func() { k.put(t, "root.crl", data) } }
	earlier := &x509.RevocationList{Number: big.NewInt(9), ThisUpdate: k.made.Add(-time.Minute)}
	for name, test := range map[string]struct {
		change func()
		text   string
	}{
		"gone":           {func() {}, "open: no such file or directory"},
		"a directory":    {func() { require.NoError(t, os.Mkdir(path, 0o700)) }, "found no regular file"},
		"empty":          {put(nil), "malformed-list: list 0: found something that is not a revocation list in DER: x509: malformed crl"},
		"cut off":        {put(good[:len(good)-1]), "malformed-list: list 0: found something that is not a revocation list in DER: x509: malformed crl"},
		"too large":      {func() { put(nil)(); require.NoError(t, os.Truncate(path, 64<<20+1)) }, "found more than 67108864 bytes"},
		"no list":        {put([]byte("-----BEGIN NOTHING-----\n")), "malformed-list: list 0: PEM block 0: found something else"},
		"a delta":        {put(k.listWith(t, root, delta())), "found a delta CRL"},
		"a lower number": {put(k.list(t, root, 1)), "of \"CN=aws.nitro-enclaves,OU=AWS,O=Amazon,C=US\", expected none older than that of "},
		"an older time":  {put(k.listWith(t, root, earlier)), "expected none older than that of "},
		"older in PEM":   {put(crlPEM(k.list(t, regional, 2), k.list(t, root, 1))), "expected none older than that of "},
		"damaged":        {put(append(crlPEM(good), 'x')), "malformed-list: list 0: PEM block 1: found something else"},
	} {
		t.Run(name, func(t *testing.T) {
			clear()
			test.change()
			k.reload()
			assert.Equal(t, "certificate-revoked", k.reason(t, "prod"))
			response, state := k.send(t, "GET", "/readyz", "")
			assert.Equal(t, 200, response.StatusCode)
			broken := state["broken"].(object)
			require.Len(t, broken, 1)
			assert.Contains(t, broken["--crl "+path], path+": ")
			assert.Contains(t, broken["--crl "+path], test.text)
			assert.Contains(t, k.metrics(t), `nitroattest_file_broken{file="`+path+`",kind="crl"} 1`)
			logged := strings.Count(k.log.String(), "cannot be used")
			k.reload()
			assert.Equal(t, logged, strings.Count(k.log.String(), "cannot be used"), "the same mistake is logged once")
		})
	}
	assert.Contains(t, k.log.String(), `"msg":"file cannot be used, keeping what is loaded","kind":"crl"`)

	clear()
	k.put(t, "root.crl", good)
	k.reload()
	_, state := k.send(t, "GET", "/readyz", "")
	assert.Empty(t, state["broken"])
	assert.NotContains(t, k.metrics(t), "nitroattest_file_broken{")
	assert.Contains(t, k.log.String(), "file no longer broken")
}

func delta() *x509.RevocationList {
	number, _ := asn1.Marshal(1)
	return &x509.RevocationList{Number: big.NewInt(9), ExtraExtensions: []pkix.Extension{{Id: asn1.ObjectIdentifier{2, 5, 29, 27}, Critical: true, Value: number}}}
}

func TestListsChangeBesideABrokenOne(t *testing.T) {
	k := newListKit(t, certs.RefuseUnknown)
	k.put(t, "root.crl", []byte("broken"))
	k.put(t, "regional.crl", k.list(t, regional, 2, zonal))
	k.reload()
	assert.Equal(t, "certificate-revoked", k.reason(t, "prod"))
}

// Of two lists in one file the newer counts, and one of another scope or another
// issuer takes the place of none.
func TestAFileMayHaveSeveralLists(t *testing.T) {
	k := newListKit(t, certs.RefuseUnknown)
	bundle := crlPEM(k.list(t, root, 4), k.list(t, root, 5), k.list(t, regional, 7))
	k.put(t, "root.crl", bundle)
	k.reload()
	assert.Equal(t, "", k.reason(t, "prod"))
	k.put(t, "root.crl", crlPEM(k.list(t, regional, 7), k.list(t, root, 4)))
	k.reload()
	_, state := k.send(t, "GET", "/readyz", "")
	assert.Len(t, state["broken"], 1)

	onlyCAs, err := asn1.Marshal(struct {
		OnlyCAs bool `asn1:"tag:2"`
	}{true})
	require.NoError(t, err)
	scoped := k.listWith(t, root, &x509.RevocationList{Number: big.NewInt(1), ThisUpdate: k.made.Add(-time.Hour),
		ExtraExtensions: []pkix.Extension{{Id: asn1.ObjectIdentifier{2, 5, 29, 28}, Critical: true, Value: onlyCAs}}}, regional)
	k.put(t, "root.crl", append(bytes.Clone(bundle), crlPEM(scoped)...))
	k.reload()
	_, state = k.send(t, "GET", "/readyz", "")
	assert.Empty(t, state["broken"])
	assert.Equal(t, "certificate-revoked", k.reason(t, "prod"))
}

// The lists say which certificates are good, unless it is said otherwise.
func TestMissingLists(t *testing.T) {
	for unknown, reason := range map[certs.UnknownStatus]string{certs.RefuseUnknown: "certificate-revoked", certs.InsecureAcceptUnknown: ""} {
		k := newListKit(t, unknown)
		k.put(t, "root.crl", k.list(t, regional, 2))
		k.reload()
		assert.Equal(t, reason, k.reason(t, "prod"))
	}
}

func TestAtTheStartEveryListHasToBeGood(t *testing.T) {
	k := newListKit(t, certs.RefuseUnknown)
	load := func(unknown certs.UnknownStatus, paths ...string) error {
		revocations, err := service.LoadRevocations(service.NewFiles(k.config.Logger), unknown, "", paths)
		assert.Nil(t, revocations)
		return err
	}
	k.put(t, "broken.crl", []byte("broken"))
	assert.ErrorContains(t, load(certs.RefuseUnknown, k.path("root.crl"), k.path("broken.crl")), k.path("broken.crl")+": malformed-list: list 0: ")
	assert.ErrorIs(t, load(certs.RefuseUnknown, k.path("none.crl")), os.ErrNotExist)
	assert.ErrorContains(t, load("", k.path("root.crl")), "RevocationConfig.Unknown")
}

// A forged list in the place of a genuine one, whatever its date, neither displaces
// it nor keeps the next one out, and an old one does not come back by way of it.
func TestAForgedListChangesNothing(t *testing.T) {
	for _, unknown := range []certs.UnknownStatus{certs.RefuseUnknown, certs.InsecureAcceptUnknown} {
		k := newListKit(t, unknown)
		k.put(t, "regional.crl", k.list(t, regional, 2, zonal))
		k.reload()
		assert.Equal(t, "certificate-revoked", k.reason(t, "prod"))

		genuine := k.listWith(t, regional, &x509.RevocationList{Number: big.NewInt(99), ThisUpdate: time.Date(2099, 1, 1, 0, 0, 0, 0, time.UTC), NextUpdate: time.Date(2099, 2, 1, 0, 0, 0, 0, time.UTC)})
		forged := bytes.Clone(genuine)
		forged[len(forged)-1] ^= 1
		for _, file := range [][]byte{forged, crlPEM(forged, k.list(t, regional, 1)), k.list(t, regional, 1), crlPEM(forged, forged)} {
			k.put(t, "regional.crl", file)
			k.reload()
			assert.Equal(t, "certificate-revoked", k.reason(t, "prod"))
		}
		k.put(t, "regional.crl", k.list(t, regional, 3))
		k.reload()
		assert.Equal(t, "", k.reason(t, "prod"), "the genuine newer one counts")
	}
}

// What the lists were is written to a file, and an older one is refused after a
// restart.
func TestTheMemoryOfListsIsKept(t *testing.T) {
	k := newListKit(t, certs.RefuseUnknown)
	memory := filepath.Join(t.TempDir(), "memory.json")
	start := func(memory string) (*service.Files, *certs.Revocations, error) {
		files := service.NewFiles(k.config.Logger)
		revocations, err := service.LoadRevocations(files, certs.RefuseUnknown, memory, k.paths("root.crl", "regional.crl"))
		return files, revocations, err
	}
	look := func(revocations *certs.Revocations) {
		chain := k.hypervisor.Blueprint(attestationtest.Request{}).Chain
		issuer, err := chain[regional].X509()
		require.NoError(t, err)
		cert, err := chain[zonal].X509()
		require.NoError(t, err)
		require.NotZero(t, revocations.CurrentUntil(issuer, cert))
	}
	k.put(t, "regional.crl", k.list(t, regional, 2))
	files, revocations, err := start(memory)
	require.NoError(t, err)
	look(revocations)
	files.Keep()
	require.FileExists(t, memory)

	k.put(t, "regional.crl", k.list(t, regional, 1))
	_, _, err = start(memory)
	require.ErrorIs(t, err, certs.OlderList)
	require.ErrorContains(t, err, k.path("regional.crl")+": older-list: ")

	files, revocations, err = start(filepath.Join(t.TempDir(), "none", "memory.json"))
	require.NoError(t, err)
	look(revocations)
	files.Keep()
	files.Keep()
	assert.Equal(t, 1, strings.Count(k.log.String(), `"msg":"file cannot be written","error":"certs: RevocationConfig.MemoryFile: `), "the same mistake is logged once")
}
