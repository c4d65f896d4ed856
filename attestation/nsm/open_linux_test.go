//go:build linux && (amd64 || arm64)

package nsm_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/nitroattest/nitroattest/attestation/nsm"
)

// _IOWR is direction 3 in bits 30 and 31, the size in 16 to 29, the type in 8
// to 15 and the number in 0 to 7 (include/uapi/asm-generic/ioctl.h).
func TestIoctlNumber(t *testing.T) {
	t.Parallel()
	assert.EqualValues(t, 32, nsm.MessageSize)
	assert.EqualValues(t, 3<<30|nsm.MessageSize<<16|0x0A<<8, nsm.Ioctl)
}

func TestOpenOutsideOfAnEnclave(t *testing.T) {
	t.Parallel()
	if _, err := os.Stat("/dev/nsm"); err == nil {
		t.Skip("this is an enclave")
	}
	_, err := nsm.Open()
	assert.ErrorIs(t, err, fs.ErrNotExist)
}

// A file that is no device takes the ioctl as far as the kernel, which does not
// know it there.
func TestIoctlOnAnotherFile(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(path, nil, 0o600))
	device, err := nsm.OpenPath(path)
	require.NoError(t, err)
	_, err = device.Describe()
	assert.ErrorIs(t, err, syscall.ENOTTY)
	require.NoError(t, device.Close())
	_, err = device.Describe()
	assert.ErrorIs(t, err, os.ErrClosed)
}
