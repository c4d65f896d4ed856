//go:build unix

package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// buildArgs are those of an image file of a recorded container image, with
// stand-ins for AWS's files. All of them lie beside the output.
func buildArgs(t *testing.T, output string, more ...string) []string {
	t.Helper()
	blobs, image := filepath.Join(filepath.Dir(output), "blobs"), filepath.Join(filepath.Dir(output), "image")
	require.NoError(t, os.Mkdir(blobs, 0o755))
	for to, from := range map[string]string{
		filepath.Join(blobs, "init"): "common/init", filepath.Join(blobs, "nsm.ko"): "common/nsm.ko",
		filepath.Join(blobs, "bzImage"): "common/kernel", image: "single/oci.tar.gz",
	} {
		require.NoError(t, copyFile(filepath.Join("../../testdata/rootfs", from), to))
	}
	require.NoError(t, os.WriteFile(filepath.Join(blobs, "cmdline"), []byte("reboot=k panic=30"), 0o644))
	return append([]string{"build", "--oci", image, "--blobs", blobs, "-o", output}, more...)
}

// builtNow is an image file of today, by whoever runs the tests.
func builtNow(t *testing.T) []byte {
	t.Helper()
	file := filepath.Join(t.TempDir(), "now.eif")
	status, _, stderr := command(buildArgs(t, file)...)
	require.Equal(t, exitAccepted, status, stderr)
	data, err := os.ReadFile(file)
	require.NoError(t, err)
	return data
}

// The clock is in no byte, unless it was asked for: the time in a bubble is that
// of the year 2000.
func TestBuildIsTheSameAtAnotherTime(t *testing.T) {
	now := builtNow(t)
	for _, c := range []struct {
		flags []string
		same  bool
	}{{nil, true}, {[]string{"--build-time", "now"}, false}} {
		file := filepath.Join(t.TempDir(), "then.eif")
		args := buildArgs(t, file, c.flags...)
		synctest.Test(t, func(t *testing.T) {
			time.Sleep(time.Hour)
			require.Equal(t, 2000, time.Now().UTC().Year())
			status, _, stderr := command(args...)
			require.Equal(t, exitAccepted, status, stderr)
		})
		then, err := os.ReadFile(file)
		require.NoError(t, err)
		assert.Equal(t, c.same, string(now) == string(then))
	}
}

func TestBuildIsTheSameForAnotherUser(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("only root can become somebody else")
	}
	const nobody = 65534
	dir := openDir(t, nobody)
	file := filepath.Join(dir, "other.eif")
	self, err := os.Executable()
	require.NoError(t, err)
	program := filepath.Join(dir, "nitroattest") // what the tests' program is called tells it what to be
	require.NoError(t, copyFile(self, program))
	cmd := exec.Command(program, buildArgs(t, file)...)
	cmd.Dir, cmd.Env = dir, []string{"TMPDIR=" + dir, "TZ=Asia/Tokyo", "HOME=/nonexistent", "LANG=tr_TR.UTF-8"}
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
	out, err := cmd.CombinedOutput()
	if err != nil && len(out) == 0 {
		t.Skipf("cannot run as somebody else here: %v", err)
	}
	require.NoError(t, err, string(out))
	other, err := os.ReadFile(file)
	require.NoError(t, err)
	assert.True(t, string(builtNow(t)) == string(other))
}

// openDir makes a folder of another user that everybody may look into.
func openDir(t *testing.T, uid int) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "nitroattest-test-")
	require.NoError(t, err)
	t.Cleanup(func() { os.RemoveAll(dir) })
	require.NoError(t, os.Chmod(dir, 0o755))
	require.NoError(t, os.Chown(dir, uid, uid))
	return dir
}

func copyFile(from, to string) error {
	data, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	return os.WriteFile(to, data, 0o755)
}
