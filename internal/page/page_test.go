package page_test

import (
	"bytes"
	"errors"
	"html"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/nitroattest/nitroattest/attestation"
	"github.com/nitroattest/nitroattest/attestation/attestationtest"
	"github.com/nitroattest/nitroattest/internal/page"
	"github.com/nitroattest/nitroattest/internal/settings"
	"github.com/nitroattest/nitroattest/pcr"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func hypervisor(options ...attestationtest.Option) *attestationtest.Hypervisor {
	return attestationtest.NewHypervisor(append([]attestationtest.Option{
		attestationtest.WithSeed([]byte("page")), attestationtest.WithTime(noon),
	}, options...)...)
}

// appraise appraises a document of the hypervisor as of its own time.
func appraise(t *testing.T, h *attestationtest.Hypervisor, evidence []byte, policy ...pcr.Image) page.Document {
	t.Helper()
	verifier, err := attestation.NewVerifier(attestation.Config{
		Roots: h.Roots(), Recorded: true, Policy: pcr.Policy{Images: policy}, InsecureAnyImage: len(policy) == 0,
	})
	require.NoError(t, err)
	return page.Document{File: "doc.cbor", Evidence: evidence, Report: verifier.Appraise(evidence, attestation.Expect{})}
}

func write(t *testing.T, r page.Report) string {
	t.Helper()
	var out bytes.Buffer
	require.NoError(t, page.Write(&out, r))
	return out.String()
}

var (
	tag       = regexp.MustCompile(`<[^>]*>`)
	quoted    = regexp.MustCompile(`"[^"]*"`)
	tagName   = regexp.MustCompile(`^</?([a-zA-Z0-9]+)`)
	attribute = regexp.MustCompile(`\s([a-zA-Z-]+)=`)
)

// requireOwnMarkup fails unless every tag and attribute is one of the page's.
func requireOwnMarkup(t *testing.T, text string) {
	t.Helper()
	names := strings.Fields("html head meta title style body header main section footer div p h1 h2 h3 strong span bdi br a ul li dl dt dd table thead tbody tr th td code pre svg line rect text")
	attributes := strings.Fields("lang charset http-equiv content name class id href scope role height width aria-label x x1 x2 y y1 y2 dy rx text-anchor")
	_, body, ok := strings.Cut(text, "</style>")
	require.True(t, ok)
	head, _, _ := strings.Cut(text, "<style>")
	for _, found := range tag.FindAllString(strings.TrimPrefix(head, "<!doctype html>")+body, -1) {
		name := tagName.FindStringSubmatch(found)
		require.NotNil(t, name, found)
		require.Contains(t, names, name[1], found)
		for _, a := range attribute.FindAllStringSubmatch(quoted.ReplaceAllString(found, ""), -1) {
			require.Contains(t, attributes, a[1], found)
		}
	}
}

const hostile = `"'><script>alert(1)</script><img src=x onerror=alert(2)>`

func TestTextOfADocumentIsNoMarkup(t *testing.T) {
	text := func(s string) []byte {
		return append([]byte{0x78, byte(len(s))}, s...) // CBOR text of less than 256 bytes
	}
	bytesOf := func(s string) []byte { return append([]byte{0x58, byte(len(s))}, s...) }
	for name, edit := range map[string]func(*attestationtest.Blueprint){
		"user_data":  func(b *attestationtest.Blueprint) { b.Set("user_data", bytesOf(hostile)) },
		"public_key": func(b *attestationtest.Blueprint) { b.Set("public_key", bytesOf(hostile)) },
		"nonce":      func(b *attestationtest.Blueprint) { b.Set("nonce", bytesOf(hostile)) },
		"JSON": func(b *attestationtest.Blueprint) {
			b.Set("user_data", bytesOf(`{"a": "</pre><script>alert(1)</script>"}`))
		},
		"unknown field": func(b *attestationtest.Blueprint) { b.Set(hostile, []byte{0xf6}) },
		"module_id":     func(b *attestationtest.Blueprint) { b.SetModuleID(hostile) },
		"digest":        func(b *attestationtest.Blueprint) { b.Set("digest", text(hostile)) },
		"forged": func(b *attestationtest.Blueprint) {
			b.Set(hostile, []byte{0xf6})
			b.EditSignature = func(s []byte) []byte { s[len(s)-1] ^= 1; return s }
		},
		"subject": func(b *attestationtest.Blueprint) {
			b.Chain[attestationtest.LevelZonal].Subject = subject(hostile)
		},
		"no certificate": func(b *attestationtest.Blueprint) { b.Set("certificate", bytesOf(hostile)) },
	} {
		t.Run(name, func(t *testing.T) {
			h := hypervisor()
			b := h.Blueprint(attestationtest.Request{})
			edit(b)
			out := write(t, page.Report{Documents: []page.Document{appraise(t, h, b.Document())}})
			requireOwnMarkup(t, out)
			assert.NotContains(t, out, "<script")
			if name != "subject" && name != "no certificate" { // escaped by itself; not shown
				assert.Contains(t, html.UnescapeString(out), "<script>alert(1)</script>", "it is shown as it is")
			}
		})
	}
}

// subject is the DER of CN=name.
func subject(name string) []byte {
	value := append([]byte{0x0c, byte(len(name))}, name...)
	return der(0x30, der(0x31, der(0x30, append([]byte{0x06, 0x03, 0x55, 0x04, 0x03}, value...))))
}

func der(tag byte, content []byte) []byte { return append([]byte{tag, byte(len(content))}, content...) }

func TestNamesAreNoMarkup(t *testing.T) {
	h := hypervisor()
	image := h.Enclave().Image()
	image.Name = hostile
	accepted := appraise(t, h, h.Attest(attestationtest.Request{}), image)
	other := image
	other.PCRs = pcr.Bank{0: {1}}
	refused := appraise(t, h, h.Attest(attestationtest.Request{}), other)
	accepted.File, refused.File = hostile, hostile+"\u202e\x1b"
	for _, documents := range [][]page.Document{{accepted}, {refused}, {accepted, refused, {File: hostile, Err: errors.New(hostile)}}} {
		out := write(t, page.Report{
			Version:   hostile,
			Criteria:  []settings.Criterion{{Name: "Policy file", Value: hostile}, {Name: "Root", Value: hostile, Waived: true}},
			Documents: documents,
		})
		requireOwnMarkup(t, out)
		assert.NotContains(t, out, "<script")
		assert.NotContains(t, out, "\u202e")
		assert.NotContains(t, out, "\x1b")
		assert.Contains(t, html.UnescapeString(out), "<bdi>"+hostile, "it is shown as it is")
	}
}

func TestVerdicts(t *testing.T) {
	h := hypervisor()
	good := appraise(t, h, h.Attest(attestationtest.Request{}), h.Enclave().Image())
	bad := appraise(t, h, h.Attest(attestationtest.Request{}), pcr.Image{Name: "v1", PCRs: pcr.Bank{0: {1}}})
	unread := page.Document{File: "none", Err: errors.New("no such file")}
	for name, c := range map[string]struct {
		documents []page.Document
		verdict   string
		summary   string
	}{
		"one accepted":     {[]page.Document{good}, "ACCEPTED", "doc.cbor"},
		"one refused":      {[]page.Document{bad}, "REFUSED", "doc.cbor"},
		"one not read":     {[]page.Document{unread}, "NOT READ", "none"},
		"two accepted":     {[]page.Document{good, good}, "ACCEPTED", "2 of 2 documents accepted"},
		"one of two":       {[]page.Document{good, bad}, "REFUSED", "1 of 2 documents accepted"},
		"one and not read": {[]page.Document{good, unread}, "REFUSED", "1 of 2 documents accepted"},
		"none":             {nil, "REFUSED", "0 of 0 documents accepted"},
	} {
		t.Run(name, func(t *testing.T) {
			out := write(t, page.Report{Documents: c.documents})
			_, rest, _ := strings.Cut(out, `id="verdict">`)
			assert.True(t, strings.HasPrefix(rest, "\n<strong>"+c.verdict+"</strong>\n<p><bdi>"+c.summary+"</bdi></p>"), rest[:min(200, len(rest))])
			assert.Contains(t, out, "<title>"+c.verdict+": "+c.summary+" - nitroattest report</title>")
		})
	}
}

// A check that package attestation adds has to be explained here.
func TestEveryCheckIsExplained(t *testing.T) {
	h := hypervisor()
	d := appraise(t, h, h.Attest(attestationtest.Request{}))
	out := write(t, page.Report{Documents: []page.Document{d}})
	for _, check := range d.Report.Checks {
		row := regexp.MustCompile(`<tr><th class="name" scope="row">` + check.Name + `</th><td class="word [a-z]+">(passed|skipped)</td><td>([^<]*)`).FindStringSubmatch(out)
		require.NotNil(t, row, check.Name)
		assert.NotEmpty(t, row[2], check.Name)
	}
}

// Three hours and thirty years are both to be seen, in their order.
func TestChainIsDrawnToAScale(t *testing.T) {
	h := hypervisor()
	out := write(t, page.Report{Documents: []page.Document{appraise(t, h, h.Attest(attestationtest.Request{}))}})
	bars := regexp.MustCompile(`<rect class="good" x="([0-9.]+)%" width="([0-9.]+)%"`).FindAllStringSubmatch(out, -1)
	require.Len(t, bars, 5)
	levels := regexp.MustCompile(`<text class="halo" x="0" y="[0-9]+">([a-z]+), ([^<]+)</text>`).FindAllStringSubmatch(out, -1)
	require.Len(t, levels, 5)
	assert.Equal(t, []string{"leaf", "3 h 0 min"}, levels[0][1:3])
	assert.Equal(t, []string{"root", "30.0 years"}, levels[4][1:3])
	assert.Contains(t, out, "document, and verified")
}

// Dates may be anything in a document that nobody vouches for.
func TestChainOfExtremeDates(t *testing.T) {
	h := hypervisor()
	for name, edit := range map[string]func(*attestationtest.Certificate){
		"the end of time": func(c *attestationtest.Certificate) { c.NotAfter = time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC) },
		"its beginning":   func(c *attestationtest.Certificate) { c.NotBefore = time.Date(1, 1, 1, 0, 0, 0, 0, time.UTC) },
		"reversed":        func(c *attestationtest.Certificate) { c.NotBefore, c.NotAfter = c.NotAfter, c.NotBefore },
	} {
		t.Run(name, func(t *testing.T) {
			b := h.Blueprint(attestationtest.Request{})
			edit(b.Chain[attestationtest.LevelZonal])
			out := write(t, page.Report{Documents: []page.Document{appraise(t, h, b.Document())}})
			assert.Equal(t, 5, strings.Count(out, "<rect "))
			for _, place := range regexp.MustCompile(`\s(x|width)="([^"]*)"`).FindAllStringSubmatch(out, -1) {
				assert.Regexp(t, `^(0|[0-9]{1,3}(\.[0-9]+)?%)$`, place[2])
			}
		})
	}
}

func TestChainWithWhatIsNoCertificate(t *testing.T) {
	h := hypervisor()
	b := h.Blueprint(attestationtest.Request{})
	b.Set("certificate", []byte{0x44, 1, 2, 3, 4})
	out := write(t, page.Report{Documents: []page.Document{appraise(t, h, b.Document())}})
	assert.Contains(t, out, "<p>1 cannot be read as a certificate.</p>")
	assert.Equal(t, 4, strings.Count(out, "<rect "))
}

func TestChainsOfOtherLengths(t *testing.T) {
	h := hypervisor()
	b := h.Blueprint(attestationtest.Request{})
	b.Bundle = b.Bundle[:2]
	out := write(t, page.Report{Documents: []page.Document{appraise(t, h, b.Document())}})
	for _, level := range []string{"leaf", "issuer 1", "root"} {
		assert.Contains(t, out, `<th class="name" scope="row">`+level+`</th>`)
	}
	assert.Contains(t, out, "not authenticated</text>")
}

func TestDateOfTheAppraisal(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 11, 29, 11, 0, 0, 0, time.FixedZone("CET", 3600))
	assert.Contains(t, write(t, page.Report{Time: at}), "<p class=\"dim\">Appraised on 2026-11-29 10:00:00 UTC.</p>")
	assert.NotContains(t, write(t, page.Report{}), "Appraised on")
}

func TestWhoVouchesIsApartFromWhatWasAsked(t *testing.T) {
	t.Parallel()
	out := write(t, page.Report{Criteria: []settings.Criterion{
		{Name: "Policy file", Value: "p.json"},
		{Name: "Signed by", Value: hostile, Vouching: true},
		{Name: "Not shown", Value: hostile, Vouching: true, NotShown: true},
	}})
	requireOwnMarkup(t, out)
	_, vouched, ok := strings.Cut(out, "<h3 id=\"vouched\">Who vouches for the reference values</h3>")
	require.True(t, ok)
	vouched, asked, ok := strings.Cut(vouched, "<h3>What was asked</h3>")
	require.True(t, ok)
	assert.Contains(t, vouched, "<dt>Signed by</dt>")
	assert.Contains(t, vouched, `<p class="limit"><strong>Not shown:</strong>`)
	assert.NotContains(t, vouched, "Policy file")
	assert.Contains(t, asked, "<dt>Policy file</dt>")
	assert.NotContains(t, asked, "Signed by")
	assert.NotContains(t, write(t, page.Report{}), "Who vouches")
}
