package service_test

import (
	"bytes"
	"encoding/json"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/nitroattest/nitroattest/cmd/nitroattest-server/internal/service"
)

func newAudited(t *testing.T, path string) *kit {
	t.Helper()
	return newKit(t, func(k *kit) {
		var err error
		k.config.Audit, err = service.OpenAudit(path)
		require.NoError(t, err)
		t.Cleanup(func() { k.config.Audit.Close() })
	})
}

func auditLines(t *testing.T, path string) []object {
	t.Helper()
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	var lines []object
	for line := range bytes.Lines(data) {
		var members object
		require.NoError(t, json.Unmarshal(line, &members))
		lines = append(lines, members)
	}
	return lines
}

func TestEveryVerdictHasALine(t *testing.T) {
	path := filepath.Join(t.TempDir(), "audit")
	k := newAudited(t, path)
	const parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
	good := k.good(t)
	for _, header := range []string{parent, "01-" + parent[3:], strings.ToUpper(parent)} {
		request := httptest.NewRequest("POST", "/v1/verify", strings.NewReader(toJSON(t, good)))
		request.Header.Set("Content-Type", "application/json")
		request.Header.Set("Traceparent", header)
		response, _ := k.do(t, request)
		require.Equal(t, 200, response.StatusCode)
	}
	k.refused(t, with(good, "policy", "none"), 404, "unknown-policy") // which is no verdict

	lines := auditLines(t, path)
	require.Len(t, lines, 3)
	accepted, replayed := lines[0], lines[1]
	for name, value := range (object{
		"traceparent": parent, "client": "192.0.2.1:1234", "policy": "prod", "accepted": true, "reason": "", "challenge": "redeemed",
		"image_name": k.hypervisor.Enclave().Image().Name, "module_id": k.hypervisor.Enclave().ModuleID(),
	}) {
		assert.Equal(t, value, accepted[name], name)
	}
	assert.NotContains(t, replayed, "traceparent")
	assert.Equal(t, false, replayed["accepted"])
	assert.Equal(t, "nonce-already-redeemed", replayed["reason"])
	assert.NotContains(t, lines[2], "traceparent")
	assert.Contains(t, k.log.String(), accepted["request_id"])

	for _, secret := range []string{good["challenge"].(string), good["document"].(string)} {
		data, err := os.ReadFile(path)
		require.NoError(t, err)
		assert.NotContains(t, string(data), secret)
	}
	info, err := os.Stat(path)
	require.NoError(t, err)
	assert.Equal(t, os.FileMode(0o600), info.Mode().Perm())
}

func TestAuditGoesOnInANewFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "audit")
	k := newAudited(t, path)
	k.verify(t, k.good(t))
	require.NoError(t, os.Rename(path, path+".1"))
	k.verify(t, k.good(t))
	require.NoError(t, k.config.Audit.Reopen())
	k.verify(t, k.good(t))
	assert.Len(t, auditLines(t, path+".1"), 2)
	assert.Len(t, auditLines(t, path), 1)

	// Where there can be no new file, the old one stays.
	require.NoError(t, os.Rename(path, path+".2"))
	require.NoError(t, os.Mkdir(path, 0o700))
	require.ErrorContains(t, k.config.Audit.Reopen(), path+": ")
	k.verify(t, k.good(t))
	assert.Len(t, auditLines(t, path+".2"), 2)
}

func TestAVerdictThatCannotBeRecordedIsNotGiven(t *testing.T) {
	k := newAudited(t, "/dev/full")
	k.refused(t, k.good(t), 503, "audit-unavailable")
	assert.Contains(t, k.metrics(t), "nitroattest_audit_errors_total 1")
}
