package service_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/nitroattest/nitroattest/attestation"
	"github.com/nitroattest/nitroattest/attestation/attestationtest"
	"github.com/nitroattest/nitroattest/cmd/nitroattest-server/internal/service"
)

func (k *kit) reload() {
	k.config.Policies.Reload()
	k.config.Files.Reload()
}

func (k *kit) metrics(t testing.TB) string {
	t.Helper()
	recorder := httptest.NewRecorder()
	k.ServeHTTP(recorder, httptest.NewRequest("GET", "/metrics", nil))
	require.Equal(t, 200, recorder.Code)
	return recorder.Body.String()
}

// metric is the value of one time series.
func (k *kit) metric(t testing.TB, series string) float64 {
	t.Helper()
	_, rest, found := strings.Cut(k.metrics(t), "\n"+series+" ")
	require.True(t, found, series)
	text, _, _ := strings.Cut(rest, "\n")
	value, err := strconv.ParseFloat(text, 64)
	require.NoError(t, err)
	return value
}

func TestAChangedPolicyTakesEffect(t *testing.T) {
	k := newKit(t)
	other := attestationtest.NewHypervisor().Enclave().Image()
	other.Name = "other"
	hash := k.verify(t, k.good(t))["policy_sha256"]

	// The same length and the same time: only the contents tell.
	path := filepath.Join(k.dir, "prod.json")
	before, err := os.Stat(path)
	require.NoError(t, err)
	k.write(t, "prod.json", policyJSON(t, other))
	require.NoError(t, os.Chtimes(path, before.ModTime(), before.ModTime()))
	assert.Equal(t, true, k.verify(t, k.good(t))["accepted"], "not reloaded yet")
	k.reload()
	verdict := k.verify(t, k.good(t))
	assert.Equal(t, "measurement-mismatch", verdict["reason"])
	assert.NotEqual(t, hash, verdict["policy_sha256"])
	assert.Contains(t, k.log.String(), `"msg":"policy loaded","policy":"prod"`)

	k.write(t, "prod.json", policyJSON(t, other, k.hypervisor.Enclave().Image()))
	k.reload()
	assert.Equal(t, true, k.verify(t, k.good(t))["accepted"])
}

func TestABrokenFileKeepsTheOldPolicyAndIsReported(t *testing.T) {
	k := newKit(t)
	for name, contents := range map[string]string{
		"cut off":   `{"images": [`,
		"empty":     "",
		"no images": `{"images": []}`,
		"too large": strings.Repeat(" ", 1<<20+1),
	} {
		t.Run(name, func(t *testing.T) {
			k.write(t, "prod.json", []byte(contents))
			k.reload()
			assert.Equal(t, true, k.verify(t, k.good(t))["accepted"])
			response, state := k.send(t, "GET", "/readyz", "")
			assert.Equal(t, 200, response.StatusCode)
			assert.Contains(t, state["broken"], "prod")
			assert.Len(t, state["policies"], 1)
			assert.Contains(t, k.metrics(t), `nitroattest_policy_broken{policy="prod"} 1`)
		})
	}
	assert.Contains(t, k.log.String(), `"msg":"policy file cannot be used","policy":"prod","keeping_old":true`)

	logged := strings.Count(k.log.String(), "cannot be used")
	k.reload()
	assert.Equal(t, logged, strings.Count(k.log.String(), "cannot be used"), "the same mistake is logged once")

	k.write(t, "prod.json", policyJSON(t, k.hypervisor.Enclave().Image()))
	k.reload()
	_, state := k.send(t, "GET", "/readyz", "")
	assert.Empty(t, state["broken"])
	assert.NotContains(t, k.metrics(t), "nitroattest_policy_broken{")
	assert.Contains(t, k.log.String(), "policy file no longer broken")
}

// The name of a file may be no UTF-8, which a label of Prometheus has to be.
func TestFilesWithAnyName(t *testing.T) {
	k := newKit(t)
	k.write(t, "\xff.json", policyJSON(t, k.hypervisor.Enclave().Image()))
	k.reload()
	assert.Contains(t, k.metrics(t), `nitroattest_policy_broken{policy="\"\\xff\""} 1`)
	_, state := k.send(t, "GET", "/readyz", "")
	assert.Contains(t, state["broken"], "\ufffd")
}

func TestFilesComeAndGo(t *testing.T) {
	k := newKit(t)
	k.write(t, "staging.json", policyJSON(t, k.hypervisor.Enclave().Image()))
	k.write(t, "bad name.json", policyJSON(t, k.hypervisor.Enclave().Image()))
	k.write(t, "new.json", []byte("{"))
	k.write(t, ".hidden.json", []byte("{"))
	k.write(t, "README.md", []byte("no policy"))
	k.reload()
	assert.Equal(t, true, k.verify(t, with(k.good(t), "policy", "staging"))["accepted"])
	k.refused(t, with(k.good(t), "policy", "new"), 503, "policy-unusable")
	_, state := k.send(t, "GET", "/readyz", "")
	broken := state["broken"].(object)
	assert.Len(t, broken, 2)
	assert.Contains(t, broken["bad name"], "found other characters in its name")
	assert.Contains(t, broken, "new")

	require.NoError(t, os.Remove(filepath.Join(k.dir, "staging.json")))
	k.reload()
	k.refused(t, with(k.good(t), "policy", "staging"), 404, "unknown-policy")
	assert.Equal(t, true, k.verify(t, k.good(t))["accepted"])
	assert.Contains(t, k.log.String(), `"msg":"policy removed","policy":"staging"`)
}

func TestADirectoryThatIsGoneKeepsEverything(t *testing.T) {
	k := newKit(t)
	moved := k.dir + ".moved"
	require.NoError(t, os.Rename(k.dir, moved))
	t.Cleanup(func() { os.RemoveAll(moved) })
	k.reload()
	assert.Equal(t, true, k.verify(t, k.good(t))["accepted"])
	_, state := k.send(t, "GET", "/readyz", "")
	assert.Contains(t, state["broken"].(object)["(directory)"], "no such file or directory")
	require.NoError(t, os.Rename(moved, k.dir))
	k.reload()
	_, state = k.send(t, "GET", "/readyz", "")
	assert.Empty(t, state["broken"])
}

func TestWithoutPoliciesItIsNotReady(t *testing.T) {
	k := newKit(t)
	require.NoError(t, os.Remove(filepath.Join(k.dir, "prod.json")))
	k.reload()
	response, state := k.send(t, "GET", "/readyz", "")
	assert.Equal(t, 503, response.StatusCode)
	assert.Equal(t, false, state["ready"])
}

func TestAtTheStartEveryFileHasToBeGood(t *testing.T) {
	k := newKit(t)
	load := func(dir string) error {
		_, err := service.LoadPolicies(service.PoliciesConfig{Dir: dir, Build: k.builder(attestation.Config{}), Logger: k.config.Logger})
		return err
	}
	assert.ErrorContains(t, load(t.TempDir()), "found no file with a name like NAME.json")
	assert.ErrorIs(t, load(filepath.Join(k.dir, "none")), os.ErrNotExist)
	k.write(t, "broken.json", []byte("{"))
	assert.ErrorContains(t, load(k.dir), "broken.json: ")
}

func TestBrokenFilesCanBeToleratedAtTheStart(t *testing.T) {
	k := newKit(t)
	config := service.PoliciesConfig{Dir: k.dir, Build: k.builder(attestation.Config{}), Logger: k.config.Logger, TolerateBroken: true}
	k.write(t, "broken.json", []byte("{"))
	policies, err := service.LoadPolicies(config)
	require.NoError(t, err)
	assert.Contains(t, k.log.String(), `"level":"ERROR","msg":"policy file cannot be used","policy":"broken"`)
	tolerant := newKit(t, func(other *kit) { other.hypervisor, other.config.Policies = k.hypervisor, policies })
	assert.Equal(t, true, tolerant.verify(t, tolerant.good(t))["accepted"])
	tolerant.refused(t, with(tolerant.good(t), "policy", "broken"), 503, "policy-unusable")
	tolerant.refused(t, with(tolerant.good(t), "policy", "none"), 404, "unknown-policy")
	response, state := tolerant.send(t, "GET", "/readyz", "")
	assert.Equal(t, 200, response.StatusCode)
	assert.Contains(t, state["broken"], "broken")

	require.NoError(t, os.Remove(filepath.Join(k.dir, "prod.json")))
	_, err = service.LoadPolicies(config)
	assert.ErrorContains(t, err, "broken.json: ")
}

// What has changed is seen, however little the file system says of it.
func TestChangesOfTheSameSizeAndTimeAreSeen(t *testing.T) {
	k := newKit(t)
	path := filepath.Join(k.dir, "prod.json")
	first := policyJSON(t, k.hypervisor.Enclave().Image())
	info, err := os.Stat(path)
	require.NoError(t, err)
	second := bytes.Replace(first, []byte("simulated"), []byte("SIMULATED"), 1)
	require.Len(t, second, len(first))
	require.NotEqual(t, first, second)
	for _, contents := range [][]byte{second, first, second} {
		require.NoError(t, os.WriteFile(path, contents, 0o600))
		require.NoError(t, os.Chtimes(path, info.ModTime(), info.ModTime()))
		k.reload()
		sum := sha256.Sum256(contents)
		assert.Equal(t, hex.EncodeToString(sum[:]), k.verify(t, k.good(t))["policy_sha256"])
	}
}

func TestReadyzStaysSmall(t *testing.T) {
	k := newKit(t)
	good := policyJSON(t, k.hypervisor.Enclave().Image())
	for i := range 300 {
		k.write(t, fmt.Sprintf("policy-%03d-%s.json", i, strings.Repeat("x", 40)), good)
		k.write(t, fmt.Sprintf("broken-%03d-%s.json", i, strings.Repeat("y", 150)), good)
	}
	k.reload()
	recorder := httptest.NewRecorder()
	k.ServeHTTP(recorder, httptest.NewRequest("GET", "/readyz", nil))
	assert.Less(t, recorder.Body.Len(), 10<<10)
	_, state := k.send(t, "GET", "/readyz", "")
	assert.EqualValues(t, 301, state["policies_loaded"])
	assert.EqualValues(t, 300, state["broken_files"])
}

// processorTime is what this process has used.
func processorTime(b *testing.B) time.Duration {
	var used syscall.Rusage
	require.NoError(b, syscall.Getrusage(syscall.RUSAGE_SELF, &used))
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}

// BenchmarkWatch looks at 10,000 policies that do not change.
func BenchmarkWatch(b *testing.B) {
	k := newKit(b)
	good := policyJSON(b, k.hypervisor.Enclave().Image())
	for i := range 9999 {
		k.write(b, fmt.Sprintf("policy-%04d.json", i), good)
	}
	k.reload()
	time.Sleep(3 * time.Second) // until the change times are old enough to be trusted
	k.reload()
	before := processorTime(b)
	for b.Loop() {
		k.config.Policies.Reload()
	}
	b.ReportMetric((processorTime(b)-before).Seconds()*1000/float64(b.N), "cpu-ms/op")
}

// Requests see the policies before a reload or after it, and nothing between.
func TestReloadUnderRequests(t *testing.T) {
	k := newKit(t)
	good := policyJSON(t, k.hypervisor.Enclave().Image())
	done := make(chan struct{})
	go func() {
		defer close(done)
		for i := range 50 {
			contents := good
			if i%2 == 0 {
				contents = []byte("{")
			}
			path := filepath.Join(k.dir, "prod.json")
			if os.WriteFile(path+".tmp", contents, 0o600) == nil {
				_ = os.Rename(path+".tmp", path)
			}
			k.reload()
		}
	}()
	for range 20 {
		assert.Equal(t, true, k.verify(t, k.good(t))["accepted"])
	}
	<-done
}

func TestConfigNamesWhatCannotBeUsed(t *testing.T) {
	k := newKit(t)
	for field, change := range map[string]func(*service.Config){
		"Config.Policies":   func(c *service.Config) { c.Policies = nil },
		"Config.Issuer":     func(c *service.Config) { c.Issuer = nil },
		"Config.Logger":     func(c *service.Config) { c.Logger = nil },
		"Config.MaxAge":     func(c *service.Config) { c.MaxAge = 4 * time.Hour },
		"Config.Concurrent": func(c *service.Config) { c.Concurrent = -1 },
		"Config.Queue":      func(c *service.Config) { c.Queue = -1 },
	} {
		config := k.config
		change(&config)
		s, err := service.New(config)
		assert.ErrorContains(t, err, field)
		assert.Nil(t, s)
	}
}
