package eif_test

import (
	"bytes"
	"crypto/sha512"
	"encoding/binary"
	"encoding/json"
	"hash/crc32"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/nitroattest/nitroattest/pcr"
	"github.com/nitroattest/nitroattest/pcr/eif"
)

const (
	headerSize        = 548
	sectionHeaderSize = 12
	crcOffset         = 0x220
)

func testdata(t testing.TB, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("..", "..", "testdata", "eif", name))
	require.NoError(t, err)
	return data
}

func measure(data []byte) (*eif.Image, error) {
	return eif.Measure(bytes.NewReader(data), int64(len(data)))
}

func mustMeasure(t testing.TB, data []byte) *eif.Image {
	t.Helper()
	image, err := measure(data)
	require.NoError(t, err)
	return image
}

// requireReason asserts that an image is refused for one rule, and returns the
// error for a closer look.
func requireReason(t testing.TB, reason eif.Reason, data []byte) *eif.Error {
	t.Helper()
	image, err := measure(data)
	require.Error(t, err)
	assert.Nil(t, image, "no image comes with an error")
	require.ErrorIs(t, err, reason, err.Error())
	var e *eif.Error
	require.ErrorAs(t, err, &e)
	return e
}

func reasons(warnings []eif.Warning) []eif.Reason {
	var list []eif.Reason
	for _, w := range warnings {
		list = append(list, w.Reason)
	}
	return list
}

// fixCRC puts the right checksum into data, which it changes and returns.
func fixCRC(data []byte) []byte {
	if len(data) >= headerSize {
		crc := crc32.ChecksumIEEE(data[:crcOffset])
		crc = crc32.Update(crc, crc32.IEEETable, data[headerSize:])
		binary.BigEndian.PutUint32(data[crcOffset:], crc)
	}
	return data
}

// patched returns a recorded image with a change and the right checksum.
func patched(t testing.TB, name string, change func(data []byte) []byte) []byte {
	t.Helper()
	return fixCRC(change(testdata(t, name)))
}

// part is a section to assemble, or a gap where kind is 0.
type part struct {
	kind  uint16
	flags uint16
	data  []byte
}

var (
	kernel   = part{kind: 1, data: []byte("a kernel")}
	cmdline  = part{kind: 2, data: []byte("console=ttyS0")}
	boot     = part{kind: 3, data: []byte("the boot ramdisk")}
	app      = part{kind: 3, data: []byte("the application")}
	metadata = part{kind: 5, data: []byte(`{"ImageName":"n","ImageVersion":"1","BuildMetadata":{"BuildTime":"b","BuildTool":"t","BuildToolVersion":"0","OperatingSystem":"o","KernelVersion":"k"},"DockerInfo":null,"CustomMetadata":null}`)}
)

// assemble writes an image without any of the rules of the package.
func assemble(version uint16, parts ...part) []byte {
	data := make([]byte, headerSize)
	copy(data, ".eif")
	binary.BigEndian.PutUint16(data[0x04:], version)
	count := 0
	for _, p := range parts {
		if p.kind != 0 {
			if count < 32 {
				binary.BigEndian.PutUint64(data[0x1c+8*count:], uint64(len(data)))
				binary.BigEndian.PutUint64(data[0x11c+8*count:], uint64(len(p.data)))
			}
			count++
			data = binary.BigEndian.AppendUint16(data, p.kind)
			data = binary.BigEndian.AppendUint16(data, p.flags)
			data = binary.BigEndian.AppendUint64(data, uint64(len(p.data)))
		}
		data = append(data, p.data...)
	}
	binary.BigEndian.PutUint16(data[0x1a:], uint16(count))
	return fixCRC(data)
}

// register hashes contents as the format says, by a way of its own.
func register(contents ...[]byte) pcr.Value {
	inner := sha512.Sum384(bytes.Join(contents, nil))
	return sha512.Sum384(append(make([]byte, 48), inner[:]...))
}

// recorded is one entry of testdata/eif/expected.json.
type recorded struct {
	Size       int64
	SHA256     string
	Violations []string
	ByOffsets  walked `json:"by_offsets"`
	Describe   walked `json:"describe_eif"`
	QEMU       walked
	Note       string
}

// walked is what one reader makes of an image.
type walked struct {
	PCR0, PCR1, PCR2, PCR8 *pcr.Value
	Error                  string
	CRCCheck               *bool `json:"crc_check"`
	SignCheck              *bool `json:"sign_check"`
}

func (w walked) bank() pcr.Bank {
	bank := pcr.Bank{}
	for register, value := range map[int]*pcr.Value{0: w.PCR0, 1: w.PCR1, 2: w.PCR2, 8: w.PCR8} {
		if value != nil {
			bank[register] = *value
		}
	}
	return bank
}

func recordedImages(t testing.TB) map[string]recorded {
	t.Helper()
	var file struct{ Images map[string]recorded }
	require.NoError(t, json.Unmarshal(testdata(t, "expected.json"), &file))
	require.NotEmpty(t, file.Images)
	return file.Images
}
