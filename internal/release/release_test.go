//go:build release

package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const (
	library = "github.com/nitroattest/nitroattest"
	version = "v0.1.0"
)

// workshop is a place outside of the repository in which the go command sees the
// modules as if they had been published.
type workshop struct {
	t       *testing.T
	dir     string
	environ []string
}

func newWorkshop(t *testing.T) *workshop {
	t.Helper()
	published := t.TempDir()
	_, err := write("../..", published, version)
	require.NoError(t, err)
	before := goOutput(t, ".", nil, "env", "GOPROXY", "GOMODCACHE")
	proxy, cache, _ := strings.Cut(before, "\n")
	// A cache of its own, for ours must not remember a version that is none. What
	// others published comes from the cache that is there, or from where it came.
	proxies := "file://" + published + ",file://" + filepath.Join(strings.TrimSpace(cache), "cache", "download")
	if proxy != "" {
		proxies += "," + proxy
	}
	return &workshop{t, t.TempDir(), append(os.Environ(),
		"GOWORK=off", "GOPROXY="+proxies, "GONOSUMDB="+library+"*", "GOFLAGS=-mod=mod -modcacherw -trimpath",
		"GOMODCACHE="+t.TempDir(), "GOBIN="+filepath.Join(t.TempDir(), "bin"))}
}

func goOutput(t *testing.T, dir string, environ []string, arguments ...string) string {
	t.Helper()
	cmd := exec.Command("go", arguments...)
	cmd.Dir, cmd.Env = dir, environ
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	require.NoError(t, err, "go %s: %s", strings.Join(arguments, " "), stderr.String())
	return string(out)
}

func (w *workshop) run(arguments ...string) string {
	w.t.Helper()
	return goOutput(w.t, w.dir, w.environ, arguments...)
}

func (w *workshop) write(name, text string) {
	w.t.Helper()
	require.NoError(w.t, os.WriteFile(filepath.Join(w.dir, name), []byte(text), 0o666))
}

// versions returns the version of every module in the build list.
func (w *workshop) versions() map[string]string {
	w.t.Helper()
	versions := map[string]string{}
	for line := range strings.Lines(w.run("list", "-m", "all")) {
		if name, version, ok := strings.Cut(strings.TrimSpace(line), " "); ok {
			versions[name] = version
		}
	}
	return versions
}

// The program of somebody who uses older versions of what only our service and
// our examples use.
const importer = `module example.com/importer

go 1.25.0

require (
	github.com/aws/aws-sdk-go-v2 v1.39.6
	github.com/prometheus/client_golang v1.20.5
	golang.org/x/net v0.40.0
)
`

const importerMain = `package main

import (
	_ "github.com/aws/aws-sdk-go-v2/aws"
	_ "github.com/prometheus/client_golang/prometheus"
	_ "golang.org/x/net/netutil"
)

func main() {}
`

const importerLibrary = `package main

import (
	"fmt"

	"github.com/nitroattest/nitroattest/attestation"
	_ "github.com/nitroattest/nitroattest/attestation/attestationtest"
	_ "github.com/nitroattest/nitroattest/attestation/attestedtls"
	_ "github.com/nitroattest/nitroattest/attestation/challenge"
	_ "github.com/nitroattest/nitroattest/attestation/nsm"
	_ "github.com/nitroattest/nitroattest/attestation/recipient"
	_ "github.com/nitroattest/nitroattest/certs/crlfetch"
	_ "github.com/nitroattest/nitroattest/pcr/eif"
	_ "github.com/nitroattest/nitroattest/pcr/uki"
)

func init() { fmt.Sprint(attestation.BadSignature) }
`

// ours are the modules that the library uses itself, and what testify uses. They
// are all that an importer sees of it.
var ours = []string{
	library,
	"github.com/fxamacker/cbor/v2",
	"github.com/x448/float16", // of cbor
	"github.com/veraison/go-cose",
	"github.com/stretchr/testify", // and what it uses:
	"github.com/davecgh/go-spew",
	"github.com/pmezard/go-difflib",
	"github.com/stretchr/objx",
	"go.yaml.in/yaml/v3",
	"gopkg.in/yaml.v3",
	"gopkg.in/check.v1",
}

// Importing the library raises no module that the importer uses and the library
// does not, and adds what the library needs and nothing else.
func TestImporterKeepsItsVersions(t *testing.T) {
	w := newWorkshop(t)
	w.write("go.mod", importer)
	w.write("main.go", importerMain)
	w.run("mod", "tidy")
	before := w.versions()

	w.write("library.go", importerLibrary)
	w.run("get", library+"@"+version)
	w.run("mod", "tidy")
	w.run("build", "-o", os.DevNull, ".")
	after := w.versions()
	require.Equal(t, version, after[library])

	for name, version := range before {
		if !slices.Contains(ours, name) {
			assert.Equal(t, version, after[name], name)
		}
		delete(after, name)
	}
	for name := range after {
		assert.Contains(t, ours, name)
	}
}

// Whoever installs the command gets one that does its job.
func TestInstalledCommandVerifies(t *testing.T) {
	w := newWorkshop(t)
	for _, command := range []string{"nitroattest", "nitroattest/nitroattest-simulate-serve", "nitroattest-server"} {
		w.run("install", library+"/cmd/"+command+"@"+version)
	}
	bin := w.run("env", "GOBIN")
	evidence, err := filepath.Abs("../../testdata/evidence")
	require.NoError(t, err)
	out, err := exec.Command(filepath.Join(strings.TrimSpace(bin), "nitroattest"), "verify", "--recorded",
		"--policy", filepath.Join(evidence, "policies", "nautilus-weather.json"),
		filepath.Join(evidence, "nautilus-weather-7e9164.cbor")).CombinedOutput()
	require.NoError(t, err, string(out))
	assert.Contains(t, string(out), "ACCEPTED")
	out, err = exec.Command(filepath.Join(strings.TrimSpace(bin), "nitroattest"), "--version").Output()
	require.NoError(t, err)
	assert.Contains(t, string(out), version)
	out, err = exec.Command(filepath.Join(strings.TrimSpace(bin), "nitroattest-server"), "--version").Output()
	require.NoError(t, err)
	assert.Contains(t, string(out), version)
}
