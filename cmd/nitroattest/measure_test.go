package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func terminal(t *testing.T) *os.File {
	t.Helper()
	file, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	if err != nil {
		t.Skip("no pseudo-terminals here")
	}
	t.Cleanup(func() { file.Close() })
	return file
}

// HTML on a terminal helps nobody; the file to verify is not even looked at.
func TestReportIsNotForATerminal(t *testing.T) {
	var stderr bytes.Buffer
	status := run([]string{"report", "--recorded", "--insecure-any-image", "none.cbor"}, stdio{strings.NewReader(""), terminal(t), &stderr})
	assert.Equal(t, exitUsage, status)
	assert.Equal(t, "nitroattest: a report is HTML, which is not for a terminal\nhint: name a file with -o, or redirect standard output\n", stderr.String())
}

func TestReportAndOthersThatCannotBeWritten(t *testing.T) {
	for _, args := range [][]string{
		{"report", "--recorded", "--insecure-any-image", nautilus},
		{"measure", "../../testdata/eif/v4_unsigned.eif"},
		{"measure", "--json", "../../testdata/eif/v4_unsigned.eif"},
		{"pcr", "instance", "i-1234567890abcdef0"},
		{"policy", "show", "../../testdata/evidence/policies/turnkey.json"},
		{"policy", "kms", "../../testdata/evidence/policies/turnkey.json"},
		{"policy", "create", "--name", "v1", "--eif", "../../testdata/eif/v4_unsigned.eif"},
	} {
		var stderr bytes.Buffer
		assert.Equal(t, exitUsage, run(args, stdio{strings.NewReader(""), fullDisk{}, &stderr}))
		assert.Equal(t, "nitroattest: standard output: no space left on device\n", stderr.String(), args)
	}
}

// Long work shows where it is, and short work does not blink.
func TestProgressOfOneFile(t *testing.T) {
	assert.Nil(t, newProgressOfOne(stdio{err: new(bytes.Buffer)}).w)
	p := newProgressOfOne(stdio{err: terminal(t)})
	require.NotNil(t, p.w)

	var out bytes.Buffer
	p.w = &out
	var offsets []int64
	r := &watched{strings.NewReader("image"), func(offset int64) {
		offsets = append(offsets, offset)
		p.show("%d of %d MiB", offset, 5)
	}}
	read := func(offset int64) {
		_, err := r.ReadAt(make([]byte, 1), offset)
		require.NoError(t, err)
	}
	read(1)
	assert.Empty(t, out.String())
	p.shown = time.Now().Add(-progressInterval)
	read(3)
	assert.Equal(t, clearLine+"3 of 5 MiB", out.String())
	p.clear()
	assert.Equal(t, clearLine+"3 of 5 MiB"+clearLine, out.String())
	assert.Equal(t, []int64{1, 3}, offsets)
	_, err := r.ReadAt(make([]byte, 1), 5)
	assert.ErrorIs(t, err, io.EOF)
}

// A key policy has a largest size, which a policy of many images may exceed.
func TestKeyPolicyThatIsTooLargeIsAWarning(t *testing.T) {
	var policy strings.Builder
	for i := range 60 {
		if i > 0 {
			policy.WriteString(", ")
		}
		value := strings.Repeat(fmt.Sprintf("%02x", i+1), 48)
		fmt.Fprintf(&policy, `{"name": "v%d", "pcrs": {"0": "%[2]s", "1": "%[2]s", "2": "%[2]s"}}`, i, value)
	}
	var stdout, stderr bytes.Buffer
	status := run([]string{"policy", "kms", "-"}, stdio{strings.NewReader(`{"images": [` + policy.String() + `]}`), &stdout, &stderr})
	assert.Equal(t, exitAccepted, status)
	assert.Equal(t, 60, strings.Count(stdout.String(), `"Sid"`))
	assert.Regexp(t, `^nitroattest: warning: the statements have [0-9]+ bytes without white space, and AWS KMS takes key policies of at most 32768\n$`, stderr.String())
}
