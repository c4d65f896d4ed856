package uki_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/nitroattest/nitroattest/pcr/uki"
)

func openTestdata(t testing.TB, name string) (io.ReaderAt, int64) {
	t.Helper()
	data := testdata(t, name)
	return bytes.NewReader(data), int64(len(data))
}

func authenticode(data []byte) (uki.Digest, error) {
	return uki.Authenticode(bytes.NewReader(data), int64(len(data)))
}

var twoParts = []part{section(".text", "text"), section(".data", strings.Repeat("data", 1000))}

// digests are of files without gaps and of a multiple of 8 bytes, where
// osslsigncode and the specification agree.
func digests(t testing.TB) map[string][]byte {
	return map[string][]byte{
		"kernel.efi":   testdata(t, "kernel.efi"),
		"standard.efi": testdata(t, "standard.efi"),
		"signed.efi":   testdata(t, "signed.efi"),
		"PE32+":        image{parts: twoParts}.bytes(),
		"PE32":         image{pe32: true, parts: twoParts}.bytes(),
		"trailing":     image{parts: twoParts, trailing: []byte("trailing")}.bytes(),
		"5 directories": image{
			parts: twoParts, directories: 5, certificates: winCertificate(2, []byte("certificates")),
		}.bytes(),
	}
}

// Printed by osslsigncode 2.9 (see testdata/uki).
func TestAuthenticodeHasKnownAnswers(t *testing.T) {
	want := map[string]string{
		"kernel.efi":    "b3b848b8edd54db37d591919c559b91cab0c85e23d3574dbd5903d8320f2fd44e9b0e1a9cef9c32ded62a4cd52f2fce9",
		"standard.efi":  "1a4e3ed121c2287dbcbb49b0956cb698d522e91072038d2897d67c173e0e39fe38b2c073d885b3963c65b8b0531ed8cd",
		"signed.efi":    "1a4e3ed121c2287dbcbb49b0956cb698d522e91072038d2897d67c173e0e39fe38b2c073d885b3963c65b8b0531ed8cd",
		"PE32+":         "e6ed8cef05d8daab59d471a97c1b48b2175ae38a580436a61d9faf146104399e9441cbfc7b64eb5c2e5762d1da04697f",
		"PE32":          "d2a4eaaf2b4ae2ce55a41a26aff83eed33d6eb4a9116d9374b4a39f83ef309f568f6f59ec5e5494abe4526b877a45be0",
		"trailing":      "c86a4231006a28409b3e1b47fcd6eab2d6dcd00d914bbd84f80f690037ce903c681ed2505dcbb7de69f4e460ef04e991",
		"5 directories": "cffe17c65f5b3ea8c3e0e0806502b78515f0e35c661bbddb9ab77f5e2a4d1ab98a20a6edf4f09925aa0ef45642acb70a",
	}
	for name, data := range digests(t) {
		t.Run(name, func(t *testing.T) {
			got, err := authenticode(data)
			require.NoError(t, err)
			assert.Equal(t, want[name], got.String())
		})
	}
}

func TestDigestTextForm(t *testing.T) {
	text, err := json.Marshal(uki.Digest{0xab, 47: 0x01})
	require.NoError(t, err)
	assert.Equal(t, `"ab`+strings.Repeat("0", 93)+`1"`, string(text))
}

// What a signature changes is not in the digest, everything else is.
func TestAuthenticodeCoversAllButSignatures(t *testing.T) {
	i := image{parts: twoParts, trailing: []byte("trailing"), certificates: winCertificate(2, []byte("signature"))}
	data := i.bytes()
	want, err := authenticode(data)
	require.NoError(t, err)
	directory := i.dataDirectories() + 4*8
	certificates := len(data) - len(i.certificates)
	for offset := range data {
		excluded := offset >= optionalAt+64 && offset < optionalAt+68 || // CheckSum
			offset >= directory && offset < directory+8 || offset >= certificates
		changed := bytes.Clone(data)
		changed[offset] ^= 0x80
		got, err := authenticode(changed)
		switch {
		case err != nil: // a field that is looked at
			assert.Less(t, offset, alignment, "offset %d", offset)
		case excluded:
			assert.Equal(t, want, got, "offset %d", offset)
		default:
			assert.NotEqual(t, want, got, "offset %d", offset)
		}
	}
	for _, more := range [][]byte{nil, append(bytes.Clone(i.certificates), i.certificates...)} {
		i.certificates = more
		got, err := authenticode(i.bytes())
		require.NoError(t, err)
		assert.Equal(t, want, got)
	}
}

// Sections are hashed in the order of the file, not of the table.
func TestAuthenticodeSortsSections(t *testing.T) {
	i := image{parts: twoParts}
	data := i.bytes()
	swapped := bytes.Clone(data)
	table := i.sectionTable()
	copy(swapped[table:], data[table+40:table+80])
	copy(swapped[table+40:], data[table:table+40])
	// Only the table differs; with it as it was, so must be the digest.
	hashedAsOnce, err := authenticode(swapped)
	require.NoError(t, err)
	reference := authenticodeByTheBook(swapped)
	assert.Equal(t, reference, hashedAsOnce)
}

// blockReader records how often and how much is asked for at a time, and fails
// on demand.
type blockReader struct {
	data           []byte
	reads, largest int
	failAt         int // the read that fails, counted from 0; never when err is nil
	err            error
}

func (r *blockReader) ReadAt(p []byte, offset int64) (int, error) {
	r.reads++
	r.largest = max(r.largest, len(p))
	if r.err != nil && r.reads > r.failAt {
		return 0, r.err
	}
	return bytes.NewReader(r.data).ReadAt(p, offset)
}

func TestMeasureReadsInBlocks(t *testing.T) {
	i := unified(magic252)
	i.parts = append(i.parts, part{name: ".initrd", data: make([]byte, 5<<20)})
	r := &blockReader{data: i.bytes()}
	_, err := uki.Measure(r, int64(len(r.data)), uki.Options{})
	require.NoError(t, err)
	assert.LessOrEqual(t, r.largest, 64<<10)
}

// At whatever read the reader fails or ends, that is the cause of the error.
func TestReaderErrorsAreReported(t *testing.T) {
	data := testdata(t, "signed.efi")
	o := uki.Options{SecureBoot: secureBoot(t), Kernel: uki.KernelMeasured}
	good := &blockReader{data: data}
	_, err := uki.Measure(good, int64(len(data)), o)
	require.NoError(t, err)
	broken := errors.New("broken disk")
	for failure, cause := range map[error]error{broken: broken, io.EOF: io.ErrUnexpectedEOF} {
		for failAt := range good.reads {
			r := &blockReader{data: data, failAt: failAt, err: failure}
			image, err := uki.Measure(r, int64(len(data)), o)
			require.ErrorIs(t, err, cause, "read %d", failAt)
			require.ErrorIs(t, err, uki.Unreadable, "read %d", failAt)
			require.Nil(t, image)
		}
	}
}

// A file that is shorter than its size says is not measured, even if all that
// lacks is a signature.
func TestShortFileIsUnreadable(t *testing.T) {
	data := testdata(t, "signed.efi")
	for _, length := range []int{0, 64, len(testdata(t, "standard.efi")), len(data) - 1} {
		image, err := uki.Measure(bytes.NewReader(data[:length]), int64(len(data)), uki.Options{})
		require.ErrorIs(t, err, io.ErrUnexpectedEOF, "length %d", length)
		require.ErrorIs(t, err, uki.Unreadable, "length %d", length)
		require.Nil(t, image)
	}
}
