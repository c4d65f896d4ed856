package uki_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/nitroattest/nitroattest/pcr/uki"
)

// tool returns the path of the first program that is installed.
func tool(t *testing.T, names ...string) string {
	t.Helper()
	for _, name := range names {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	t.Skipf("%s is not installed", strings.Join(names, " or "))
	return ""
}

func run(t *testing.T, name string, args ...string) {
	t.Helper()
	output, err := exec.Command(name, args...).CombinedOutput()
	require.NoError(t, err, string(output))
}

// osslsigncode has the tool compute an Authenticode digest.
func osslsigncode(t *testing.T, data []byte) uki.Digest {
	t.Helper()
	path := tool(t, "osslsigncode")
	in, out := filepath.Join(t.TempDir(), "in.efi"), filepath.Join(t.TempDir(), "out.der")
	require.NoError(t, os.WriteFile(in, data, 0o600))
	run(t, path, "extract-data", "-h", "sha384", "-in", in, "-out", out)
	der, err := os.ReadFile(out)
	require.NoError(t, err)
	// SHA-384's object identifier, NULL, and an OCTET STRING of 48 bytes.
	_, digest, found := bytes.Cut(der, []byte("\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x02\x05\x00\x04\x30"))
	require.True(t, found)
	return uki.Digest(digest[:48])
}

func TestAuthenticodeAgreesWithOsslsigncode(t *testing.T) {
	tool(t, "osslsigncode")
	for name, data := range digests(t) {
		t.Run(name, func(t *testing.T) {
			got, err := authenticode(data)
			require.NoError(t, err)
			assert.Equal(t, osslsigncode(t, data), got)
		})
	}
}

// Why a gap is a warning: the firmware of gap.log measured what Authenticode
// returns.
func TestToolsFindAnotherDigestForAGap(t *testing.T) {
	data := image{parts: append([]part{{data: []byte("gap")}}, twoParts...)}.bytes()
	got, err := authenticode(data)
	require.NoError(t, err)
	assert.NotEqual(t, osslsigncode(t, data), got)
}

// Stubs of systemd-boot-efi, by SHA-256, and the boots recorded with them.
var recordedStubs = map[string]string{
	"c62ae56ffaf49d1a61de4434f4f531dd1d4ed3b5aee46c934c56e3f809b22cc4": "systemd-252",
	"9c623743834bb904a3cb941092cffc958c31230263ce896d332a75e9ec48aa85": "systemd-257",
	"5a2a56fdf9e72d1d98cf26bf949a8c2851b010bae12c8c76f3bc1ebb480b3e4b": "systemd-262",
}

// The images with systemd's stub are not part of the project, but the boots
// are. Where the stub is, the image is put together as record.sh did it.
func TestMeasureAgreesWithFirmwareForSystemdStubs(t *testing.T) {
	objcopy := tool(t, "x86_64-w64-mingw32-objcopy", "objcopy")
	stubs := filepath.SplitList(os.Getenv("UKI_STUBS"))
	compared := 0
	for _, path := range append(stubs, "/usr/lib/systemd/boot/efi/linuxx64.efi.stub") {
		stub, err := os.ReadFile(path)
		if err != nil {
			t.Logf("%s is not installed", path)
			continue
		}
		sum := sha256.Sum256(stub)
		name, ok := recordedStubs[hex.EncodeToString(sum[:])]
		if !ok {
			t.Logf("nothing is recorded of %s", path)
			continue
		}
		compared++
		data := behindStub(t, objcopy, stub)
		off := recordedBoot(t, name+".log")
		got := mustMeasure(t, data, uki.Options{})
		assert.Equal(t, off.measurements(), got.Measurements, name)
		assert.Equal(t, off.events, withoutDetail(got.Events), name)

		// The image was signed for this boot, which does not change its digest.
		on := recordedBoot(t, name+".signed.log")
		o := uki.Options{SecureBoot: secureBoot(t)}
		o.SecureBoot.Authority = testdata(t, "db.der")
		got = mustMeasure(t, data, o)
		assert.Equal(t, on.measurements(), got.Measurements, name)
		assert.Equal(t, on.events, withoutDetail(got.Events), name)
	}
	if compared == 0 {
		t.Skip("no stub of systemd is installed with which a boot is recorded")
	}
}

// behindStub puts kernel.efi behind a stub.
func behindStub(t *testing.T, objcopy string, stub []byte) []byte {
	t.Helper()
	optional := binary.LittleEndian.Uint32(stub[0x3c:]) + 24
	base := binary.LittleEndian.Uint64(stub[optional+24:])
	dir := t.TempDir()
	var args []string
	add := func(name string, offset uint64, data []byte) {
		file := filepath.Join(dir, name)
		require.NoError(t, os.WriteFile(file, data, 0o600))
		args = append(args, "--add-section", "."+name+"="+file,
			"--change-section-vma", fmt.Sprintf(".%s=%d", name, base+offset))
	}
	add("osrel", 0x110000, []byte("NAME=\"nitroattest test image\"\nID=nitroattest-test\n"))
	add("cmdline", 0x120000, []byte("console=ttyS0"))
	add("linux", 0x130000, testdata(t, "kernel.efi"))
	in, out := filepath.Join(dir, "stub.efi"), filepath.Join(dir, "uki.efi")
	require.NoError(t, os.WriteFile(in, stub, 0o600))
	run(t, objcopy, append(args, in, out)...)
	data, err := os.ReadFile(out)
	require.NoError(t, err)
	copy(data[binary.LittleEndian.Uint32(data[0x3c:])+8:], make([]byte, 4)) // TimeDateStamp
	return append(data, make([]byte, -len(data)&7)...)
}
