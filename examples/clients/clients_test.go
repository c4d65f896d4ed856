package clients_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// client is a program that verifies one document, and what it takes to run it.
type client struct {
	name  string
	needs []string
	args  []string
}

var clients = []client{
	{"curl", []string{"sh", "curl", "jq"}, []string{"sh", "curl/verify.sh"}},
	{"python", []string{"python3"}, []string{"python3", "python/verify.py"}},
	{"node", []string{"node"}, []string{"node", "node/verify.mjs"}},
}

// world is a server that trusts a simulated hypervisor.
type world struct{ nitroattest, state, url string }

func newWorld(t *testing.T) world {
	if testing.Short() {
		t.Skip("nothing concurrent, and many processes")
	}
	work, err := exec.Command("go", "env", "GOWORK").Output()
	require.NoError(t, err)
	if where := strings.TrimSpace(string(work)); where == "" || where == "off" {
		t.Skip("SKIPPED: the commands are modules of their own, which go.work joins")
	}
	if runtime.GOOS == "windows" {
		t.Skip("SKIPPED: shell scripts")
	}
	dir := t.TempDir()
	const commands = "github.com/nitroattest/nitroattest/cmd/"
	run(t, "go", "build", "-o", dir+string(filepath.Separator), commands+"nitroattest", commands+"nitroattest-server")
	w := world{nitroattest: filepath.Join(dir, "nitroattest"), state: filepath.Join(dir, "state")}
	root, policies := filepath.Join(dir, "root.pem"), filepath.Join(dir, "policies")
	require.NoError(t, os.Mkdir(policies, 0o700))
	run(t, w.nitroattest, "simulate", "root", "--state", w.state, "-o", root)
	run(t, w.nitroattest, "simulate", "policy", "--state", w.state, "-o", filepath.Join(policies, "prod.json"))
	w.url = "http://" + serve(t, filepath.Join(dir, "nitroattest-server"), "--policies", policies, "--root", root, "--listen", "127.0.0.1:0")
	return w
}

// serve starts the server, and returns the address that its log names.
func serve(t *testing.T, name string, args ...string) string {
	server := exec.Command(name, args...)
	log, err := server.StderrPipe()
	require.NoError(t, err)
	require.NoError(t, server.Start())
	t.Cleanup(func() {
		assert.NoError(t, server.Process.Kill())
		server.Wait() // it was killed
	})
	lines := bufio.NewScanner(log)
	for lines.Scan() {
		var line struct{ Msg, Address string }
		require.NoError(t, json.Unmarshal(lines.Bytes(), &line))
		if line.Msg == "serving" {
			go io.Copy(io.Discard, log)
			return line.Address
		}
	}
	require.Fail(t, "the server ended")
	return ""
}

func run(t *testing.T, name string, args ...string) {
	out, err := exec.Command(name, args...).CombinedOutput()
	require.NoError(t, err, string(out))
}

// enclave is a command that answers a challenge as --challenge of simulate does.
func (w world) enclave(more ...string) []string {
	return append(append([]string{w.nitroattest, "simulate", "attest", "--state", w.state, "--base64"}, more...), "--challenge")
}

// replay is a command that prints the same document for every challenge.
func (w world) replay(t *testing.T) []string {
	document, err := exec.Command(w.nitroattest, "simulate", "attest", "--state", w.state, "--base64", "--nonce", "00").Output()
	require.NoError(t, err)
	file := filepath.Join(t.TempDir(), "document")
	require.NoError(t, os.WriteFile(file, document, 0o600))
	return []string{"sh", "-c", `cat "$0"`, file}
}

func TestClients(t *testing.T) {
	w := newWorld(t)
	cases := []struct {
		name, url, policy string
		enclave           []string
		status            int
		stdout, stderr    string
	}{
		{"accepted", w.url, "prod", w.enclave(), 0, "accepted: simulated in i-", ""},
		{"URL with a slash", w.url + "/", "prod", w.enclave(), 0, "accepted: simulated in i-", ""},
		{"another image", w.url, "prod", w.enclave("--pcr", "0="+strings.Repeat("1", 96)), 1, "refused: measurement-mismatch\n", ""},
		{"debug mode", w.url, "prod", w.enclave("--debug"), 1, "refused: debug-mode\n", ""},
		{"replay", w.url, "prod", w.replay(t), 1, "refused: nonce-mismatch\n", ""},
		{"no such policy", w.url, "test", w.enclave(), 2, "", "no verdict: "},
		{"no server", "http://127.0.0.1:1", "prod", w.enclave(), 2, "", "no verdict: "},
		{"no server of this kind", w.url + "/healthz", "prod", w.enclave(), 2, "", "no verdict: "},
		{"no enclave", w.url, "prod", []string{"false"}, 2, "", "no verdict: "},
	}
	for _, c := range clients {
		for _, needed := range c.needs {
			if _, err := exec.LookPath(needed); err != nil {
				t.Logf("SKIPPED: the %s client, for there is no %s here", c.name, needed)
				c.args = nil
			}
		}
		if c.args == nil {
			continue
		}
		for _, test := range cases {
			t.Run(c.name+"/"+test.name, func(t *testing.T) {
				t.Parallel()
				args := append(append([]string{}, c.args[1:]...), test.url, test.policy)
				cmd := exec.Command(c.args[0], append(args, test.enclave...)...)
				cmd.Env = append(os.Environ(), "PYTHONDONTWRITEBYTECODE=1")
				var stdout, stderr bytes.Buffer
				cmd.Stdout, cmd.Stderr = &stdout, &stderr
				status := 0
				var exit *exec.ExitError
				if err := cmd.Run(); errors.As(err, &exit) {
					status = exit.ExitCode()
				} else {
					require.NoError(t, err)
				}
				assert.Equal(t, test.status, status, "%s%s", &stdout, &stderr)
				assert.True(t, strings.HasPrefix(stdout.String(), test.stdout), stdout.String())
				assert.Contains(t, stderr.String(), test.stderr)
				if test.status != 0 {
					assert.NotContains(t, stdout.String(), "accepted")
				}
			})
		}
	}
}

// The types of the Node client are those of the server.
func TestTypesAreGenerated(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("nothing that changes with the machine")
	}
	expected, err := exec.Command("go", "run", "./typings", "../../cmd/nitroattest-server/internal/service/openapi.json",
		"ChallengeResponse", "VerifyRequest", "BriefVerdict").Output()
	require.NoError(t, err)
	found, err := os.ReadFile("node/api.d.ts")
	require.NoError(t, err)
	assert.True(t, bytes.Equal(expected, found), "node/api.d.ts is of another description; go generate ./examples/clients mends it")
}

// The types are right, where TypeScript is installed to say so.
func TestNodeClientHasTheTypes(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("tsc"); err != nil {
		t.Skip("SKIPPED: there is no tsc here")
	}
	run(t, "tsc", "-p", "node")
}
