//go:build browser

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"html"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/nitroattest/nitroattest/attestation/attestationtest"
)

// measured is what the browser makes of a report.
type measured struct {
	Verdict     string
	Title       string
	Width       int // of the content
	Room        int // of the window
	Background  string
	Colour      string // of the word
	Active      int    // elements that could run or load something
	ChainHeight int
}

// measurer shows the report in a frame of the given width, for a browser's own
// window has a least width, and writes down what came out. The report keeps its
// content security policy.
const measurer = `<!doctype html><link rel="icon" href="data:,"><body><iframe id="f" src="/report.html" style="width:%dpx;height:900px;border:0"></iframe>
<script>
document.getElementById("f").onload = function () {
  var d = this.contentDocument, css = this.contentWindow.getComputedStyle.bind(this.contentWindow), svg = d.querySelector("svg");
  var out = document.createElement("pre");
  out.id = "measured";
  out.textContent = JSON.stringify({
    Verdict: d.querySelector("#verdict strong").innerText, Title: d.title,
    Width: d.documentElement.scrollWidth, Room: d.documentElement.clientWidth,
    Background: css(d.body).backgroundColor, Colour: css(d.querySelector("#verdict strong")).color,
    Active: d.querySelectorAll("script,img,iframe,object,embed,link,form,input,base,[onload],[onerror],[onclick]").length,
    ChainHeight: svg ? svg.getBoundingClientRect().height | 0 : 0
  });
  document.body.appendChild(out);
};
</script>`

// browse serves a report, has the browser show it, and returns what it
// measured, what it asked the server for, and what it wrote to its console.
func browse(t *testing.T, chromium string, report []byte, width int, dark bool) (measured, []string, []string) {
	t.Helper()
	var mu sync.Mutex
	var asked []string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		asked = append(asked, r.URL.Path)
		mu.Unlock()
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		switch r.URL.Path {
		case "/report.html":
			w.Write(report)
		case "/":
			fmt.Fprintf(w, measurer, width)
		default:
			http.NotFound(w, r)
		}
	}))
	defer server.Close()
	scheme := "1"
	if dark {
		scheme = "0"
	}
	cmd := exec.CommandContext(context.Background(), chromium, "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic",
		"--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync",
		"--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1", "--user-data-dir="+t.TempDir(),
		"--blink-settings=preferredColorScheme="+scheme, "--window-size=1400,1000",
		"--enable-logging=stderr", "--virtual-time-budget=5000", "--dump-dom", server.URL)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	require.NoError(t, cmd.Run(), stderr.String())
	found := regexp.MustCompile(`(?s)<pre id="measured">(.*?)</pre>`).FindStringSubmatch(stdout.String())
	require.NotNil(t, found, stdout.String()+stderr.String())
	var m measured
	require.NoError(t, json.Unmarshal([]byte(html.UnescapeString(found[1])), &m))
	var console []string
	for line := range strings.SplitSeq(stderr.String(), "\n") {
		if strings.Contains(line, "CONSOLE") {
			console = append(console, line)
		}
	}
	return m, asked, console
}

// hostileReport is of a document and a file that are all markup.
func hostileReport(t *testing.T) []string {
	const hostile = `"'></title></style><script>document.title="OWNED"</script><img src=/owned onerror=alert(1)>`
	dir := t.TempDir()
	h := attestationtest.NewHypervisor()
	b := h.Blueprint(attestationtest.Request{UserData: []byte(hostile), PublicKey: []byte(`{"a":"` + hostile + `"}`)})
	b.Set(hostile, []byte{0xf6})
	root := filepath.Join(dir, "root.pem")
	require.NoError(t, os.WriteFile(root, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: h.Root().Raw}), 0o666))
	document := filepath.Join(dir, strings.ReplaceAll(hostile, "/", "")+".cbor")
	require.NoError(t, os.WriteFile(document, b.Document(), 0o666))
	return []string{"--root", root, "--recorded", "--any-image", document}
}

func TestReportInABrowser(t *testing.T) {
	chromium, err := exec.LookPath("chromium")
	if err != nil {
		t.Skip("SKIPPED: there is no chromium on PATH")
	}
	many := []string{"--recorded", "--any-image", "--allow-debug", "none.cbor"}
	_, files := recordedDocuments(t, func(recordedDocument) bool { return true })
	for name, c := range map[string]struct {
		args    []string
		verdict string
	}{
		"accepted": {[]string{"--recorded", "--policy", "../../testdata/evidence/policies/nautilus-weather.json", nautilus}, "ACCEPTED"},
		"refused":  {[]string{"--recorded", "--policy", "../../testdata/evidence/policies/turnkey.json", nautilus}, "REFUSED"},
		"expired":  {[]string{"--max-age", "5m", "--any-image", nautilus}, "REFUSED"},
		"many":     {append(many, files...), "REFUSED"},
		"hostile":  {hostileReport(t), "ACCEPTED"},
	} {
		file := filepath.Join(t.TempDir(), "report.html")
		command(append([]string{"report", "-o", file}, c.args...)...)
		report, err := os.ReadFile(file)
		require.NoError(t, err)
		for _, dark := range []bool{false, true} {
			for _, width := range []int{1200, 390} {
				t.Run(fmt.Sprintf("%s dark=%v %d", name, dark, width), func(t *testing.T) {
					m, asked, console := browse(t, chromium, report, width, dark)
					assert.Equal(t, c.verdict, m.Verdict)
					assert.True(t, strings.HasPrefix(m.Title, c.verdict+": "), m.Title)
					assert.LessOrEqual(t, m.Width, m.Room, "the page is wider than the window")
					assert.Zero(t, m.Active)
					assert.Positive(t, m.ChainHeight)
					assert.Equal(t, []string{"/", "/report.html"}, asked)
					assert.Empty(t, console)
					// The style is in force, by its own hash, and knows light from dark.
					colours := map[string][2]string{
						"ACCEPTED": {"rgb(17, 99, 41)", "rgb(86, 211, 100)"},
						"REFUSED":  {"rgb(164, 14, 38)", "rgb(255, 123, 114)"},
					}[c.verdict]
					background, colour := "rgb(255, 255, 255)", colours[0]
					if dark {
						background, colour = "rgb(13, 17, 23)", colours[1]
					}
					assert.Equal(t, background, m.Background)
					assert.Equal(t, colour, m.Colour)
				})
			}
		}
	}
}

// The test above can tell: a page that loads, runs or overflows is noticed.
func TestBrowserNoticesWhatIsWrong(t *testing.T) {
	chromium, err := exec.LookPath("chromium")
	if err != nil {
		t.Skip("SKIPPED: there is no chromium on PATH")
	}
	m, asked, console := browse(t, chromium, []byte(`<!doctype html><meta http-equiv="Content-Security-Policy" content="default-src 'self'; style-src 'none'">
<title>x</title><style>body { color: red }</style><img src="/owned"><div id="verdict"><strong>X</strong></div><pre>`+strings.Repeat("x", 500)+`</pre>`), 390, false)
	assert.Greater(t, m.Width, m.Room)
	assert.Equal(t, 1, m.Active)
	assert.Contains(t, asked, "/owned")
	assert.NotEmpty(t, console)
}
