//go:build browser

package main

import (
	"bytes"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"html"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
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

// measurer shows every report in a frame of every width, for a browser's own
// window has a least width, and writes down what came out. The reports keep
// their content security policy.
const measurer = `<!doctype html><link rel="icon" href="data:,"><body><script>
function measure(frame) {
  var d = frame.contentDocument, css = frame.contentWindow.getComputedStyle.bind(frame.contentWindow), svg = d.querySelector("svg");
  return {
    Verdict: d.querySelector("#verdict strong").innerText, Title: d.title,
    Width: d.documentElement.scrollWidth, Room: d.documentElement.clientWidth,
    Background: css(d.body).backgroundColor, Colour: css(d.querySelector("#verdict strong")).color,
    Active: d.querySelectorAll("script,img,iframe,object,embed,link,form,input,base,[onload],[onerror],[onclick]").length,
    ChainHeight: svg ? svg.getBoundingClientRect().height | 0 : 0
  };
}
%s.forEach(function (name) {
  %s.forEach(function (width) {
    var frame = document.createElement("iframe");
    frame.style = "height:900px;border:0;width:" + width + "px";
    frame.src = "/" + name + ".html";
    frame.onload = function () {
      var out = document.createElement("pre");
      out.className = "measured";
      out.textContent = JSON.stringify({Name: name, At: width, Found: measure(frame)});
      document.body.appendChild(out);
    };
    document.body.appendChild(frame);
  });
});
</script>`

// frame is one report at one width, in pixels.
type frame struct {
	name  string
	width int
}

// browse serves reports, has the browser show them, and returns what it
// measured, what it asked the server for, and what it wrote to its console.
func browse(t *testing.T, chromium string, reports map[string][]byte, widths []int, dark bool) (map[frame]measured, map[string]bool, []string) {
	t.Helper()
	names, err := json.Marshal(slices.Sorted(maps.Keys(reports)))
	require.NoError(t, err)
	sizes, err := json.Marshal(widths)
	require.NoError(t, err)
	var mu sync.Mutex
	asked := map[string]bool{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		asked[r.URL.Path] = true
		mu.Unlock()
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		report, ok := reports[strings.TrimSuffix(strings.TrimPrefix(r.URL.Path, "/"), ".html")]
		switch {
		case r.URL.Path == "/":
			fmt.Fprintf(w, measurer, names, sizes)
		case ok:
			w.Write(report)
		default:
			http.NotFound(w, r)
		}
	}))
	defer server.Close()
	scheme := "1"
	if dark {
		scheme = "0"
	}
	cmd := exec.Command(chromium, "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic",
		"--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync",
		"--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1", "--user-data-dir="+t.TempDir(),
		"--blink-settings=preferredColorScheme="+scheme, "--window-size=1400,1000",
		"--enable-logging=stderr", "--dump-dom", server.URL)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	require.NoError(t, cmd.Run(), stderr.String())
	frames := map[frame]measured{}
	for _, found := range regexp.MustCompile(`(?s)<pre class="measured">(.*?)</pre>`).FindAllStringSubmatch(stdout.String(), -1) {
		var m struct {
			Name  string
			At    int
			Found measured
		}
		require.NoError(t, json.Unmarshal([]byte(html.UnescapeString(found[1])), &m))
		frames[frame{m.Name, m.At}] = m.Found
	}
	require.Len(t, frames, len(reports)*len(widths), stdout.String()+stderr.String())
	var console []string
	for line := range strings.SplitSeq(stderr.String(), "\n") {
		if strings.Contains(line, "CONSOLE") {
			console = append(console, line)
		}
	}
	return frames, asked, console
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
	return []string{"--root", root, "--recorded", "--insecure-any-image", document}
}

// findBrowser returns chromium, or skips the test with a reason.
func findBrowser(t *testing.T) string {
	chromium, err := exec.LookPath("chromium")
	if err != nil {
		t.Skip("SKIPPED: there is no chromium on PATH")
	}
	return chromium
}

func TestReportsInABrowser(t *testing.T) {
	chromium := findBrowser(t)
	_, files := recordedDocuments(t, func(recordedDocument) bool { return true })
	verdicts, reports := map[string]string{}, map[string][]byte{}
	for name, c := range map[string]struct {
		args    []string
		verdict string
	}{
		"accepted": {[]string{"--recorded", "--policy", "../../testdata/evidence/policies/nautilus-weather.json", nautilus}, "ACCEPTED"},
		"refused":  {[]string{"--recorded", "--policy", "../../testdata/evidence/policies/turnkey.json", nautilus}, "REFUSED"},
		"expired":  {[]string{"--max-age", "5m", "--insecure-any-image", nautilus}, "REFUSED"},
		"many":     {append([]string{"--recorded", "--insecure-any-image", "--insecure-allow-debug", "none.cbor"}, files...), "REFUSED"},
		"hostile":  {hostileReport(t), "ACCEPTED"},
	} {
		file := filepath.Join(t.TempDir(), "report.html")
		command(append([]string{"report", "-o", file}, c.args...)...)
		report, err := os.ReadFile(file)
		require.NoError(t, err)
		verdicts[name], reports[name] = c.verdict, report
	}
	colours := map[bool]map[string]string{
		false: {"background": "rgb(255, 255, 255)", "ACCEPTED": "rgb(17, 99, 41)", "REFUSED": "rgb(164, 14, 38)"},
		true:  {"background": "rgb(13, 17, 23)", "ACCEPTED": "rgb(86, 211, 100)", "REFUSED": "rgb(255, 123, 114)"},
	}
	for _, dark := range []bool{false, true} {
		frames, asked, console := browse(t, chromium, reports, []int{1200, 390}, dark)
		assert.Len(t, asked, 1+len(reports), "nothing but the reports is loaded: %v", asked)
		assert.Empty(t, console)
		for f, m := range frames {
			t.Run(fmt.Sprintf("%s dark=%v %d", f.name, dark, f.width), func(t *testing.T) {
				assert.Equal(t, verdicts[f.name], m.Verdict)
				assert.True(t, strings.HasPrefix(m.Title, verdicts[f.name]+": "), m.Title)
				assert.LessOrEqual(t, m.Width, m.Room, "the page is wider than the window")
				assert.Zero(t, m.Active)
				assert.Positive(t, m.ChainHeight)
				// The style is in force, by its own hash, and knows light from dark.
				assert.Equal(t, colours[dark]["background"], m.Background)
				assert.Equal(t, colours[dark][m.Verdict], m.Colour)
			})
		}
	}
}

// The test above can tell: a page that loads, runs or overflows is noticed.
func TestBrowserNoticesWhatIsWrong(t *testing.T) {
	wrong := `<!doctype html><meta http-equiv="Content-Security-Policy" content="default-src 'self'; style-src 'none'">
<title>x</title><style>body { color: red }</style><img src="/owned"><div id="verdict"><strong>X</strong></div><pre>` + strings.Repeat("x", 500) + `</pre>`
	frames, asked, console := browse(t, findBrowser(t), map[string][]byte{"wrong": []byte(wrong)}, []int{390}, false)
	m := frames[frame{"wrong", 390}]
	assert.Greater(t, m.Width, m.Room)
	assert.Equal(t, 1, m.Active)
	assert.True(t, asked["/owned"])
	assert.NotEmpty(t, console)
}
