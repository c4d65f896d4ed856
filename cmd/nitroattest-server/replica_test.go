package main

import (
	"bufio"
	"encoding/json"
	"encoding/pem"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/nitroattest/nitroattest/attestation/challenge/redisstore/redistest"
	"github.com/nitroattest/nitroattest/pcr"
)

const (
	challengeKey      = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
	redisTestPassword = "a password of the tests"
)

// redisOptions make a server that forgets nothing when it is killed.
var redisOptions = []string{"--requirepass", redisTestPassword, "--appendonly", "yes", "--appendfsync", "always"}

// replica is a process of nitroattest-server.
type replica struct {
	url     string
	command *exec.Cmd
	log     strings.Builder
	read    chan struct{} // closed when the log has ended
	ended   bool
}

// startReplicas starts services that trust the hypervisor of cmdSimulateEnclave
// and share a key and a store. They have to end well when the test is over.
func startReplicas(t *testing.T, store *redistest.Server, n int) []*replica {
	t.Helper()
	args := append(replicaFlags(t, store), "--listen", "127.0.0.1:0")
	replicas := make([]*replica, n)
	for i := range replicas {
		replicas[i] = startReplica(t, args)
	}
	return replicas
}

// replicaFlags are those of every replica but for its address.
func replicaFlags(t testing.TB, store *redistest.Server) []string {
	t.Helper()
	dir := t.TempDir()
	file := func(name string, data []byte) string {
		path := filepath.Join(dir, name)
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o700))
		require.NoError(t, os.WriteFile(path, data, 0o600))
		return path
	}
	policy, err := json.Marshal(pcr.Policy{Images: []pcr.Image{challenged.Enclave().Image()}})
	require.NoError(t, err)
	socket := ""
	if store != nil {
		socket = store.Socket()
	}
	return []string{"--redis", "unix://" + socket,
		"--policies", filepath.Dir(file("policies/prod.json", policy)),
		"--root", file("root.pem", pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: challenged.Root().Raw})),
		"--challenge-key", file("key.hex", []byte(challengeKey+"\n"))}
}

func startReplica(t testing.TB, args []string, environment ...string) *replica {
	t.Helper()
	r := &replica{command: exec.Command("nitroattest-server", args...), read: make(chan struct{})}
	r.command.Env = append(append(os.Environ(), "NITROATTEST_REDIS_PASSWORD="+redisTestPassword), environment...)
	stderr, err := r.command.StderrPipe()
	require.NoError(t, err)
	require.NoError(t, r.command.Start())
	address := make(chan string, 1)
	go r.readLog(stderr, address)
	t.Cleanup(func() {
		if r.ended {
			return
		}
		http.DefaultClient.CloseIdleConnections() // one that has sent nothing yet delays the end
		assert.NoError(t, r.end(os.Interrupt), r.log.String())
		for _, secret := range []string{redisTestPassword, challengeKey} {
			assert.NotContains(t, r.log.String(), secret)
		}
	})
	select {
	case a := <-address:
		r.url = "http://" + a
	case <-r.read:
		t.Fatalf("the service ended: %s", r.log.String())
	}
	return r
}

// end sends a signal and waits for the end of the process.
func (r *replica) end(signal os.Signal) error {
	r.ended = true
	if err := r.command.Process.Signal(signal); err != nil {
		return err
	}
	<-r.read
	return r.command.Wait()
}

// readLog finds the address in the line that says that the service serves.
func (r *replica) readLog(stderr io.Reader, address chan<- string) {
	defer close(r.read)
	for lines := bufio.NewScanner(stderr); lines.Scan(); {
		r.log.WriteString(lines.Text() + "\n")
		var line struct{ Msg, Address string }
		if json.Unmarshal(lines.Bytes(), &line) == nil && line.Msg == "serving" {
			address <- line.Address
		}
	}
}

// answer is what the tests look at of any answer.
type answer struct {
	status    int
	Challenge string
	Accepted  *bool // nil: no verdict
	Reason    string
	Type      string
	Ready     *bool
	Store     string
}

func (r *replica) get(path string) (answer, error) { return read(http.Get(r.url + path)) }

func (r *replica) post(path, body string) (answer, error) {
	return read(http.Post(r.url+path, "application/json", strings.NewReader(body)))
}

func read(response *http.Response, err error) (answer, error) {
	if err != nil {
		return answer{}, err
	}
	defer response.Body.Close()
	a := answer{status: response.StatusCode}
	return a, json.NewDecoder(response.Body).Decode(&a)
}
