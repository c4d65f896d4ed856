package eif_test

import (
	"bytes"
	"encoding/binary"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/nitroattest/nitroattest/pcr"
	"github.com/nitroattest/nitroattest/pcr/eif"
)

// FuzzMeasure puts the right checksum into every input, for a fuzzer does not
// find it, and measures it with both. What is measured has to be what two
// naive readers find.
func FuzzMeasure(f *testing.F) {
	files, err := filepath.Glob(filepath.Join("..", "..", "testdata", "eif", "*.eif"))
	require.NoError(f, err)
	require.NotEmpty(f, files)
	for _, file := range files {
		f.Add(testdata(f, filepath.Base(file)))
	}
	f.Add(assemble(3, kernel, boot, app, cmdline))
	f.Add(assemble(4, gapOf(0), kernel, cmdline, metadata, boot, hidden(3, "x")))
	f.Fuzz(func(t *testing.T, data []byte) {
		check(t, data)
		check(t, fixCRC(data))
	})
}

func check(t *testing.T, data []byte) {
	var image *eif.Image
	var err error
	taken := allocated(func() { image, err = measure(data) })
	assert.Less(t, taken, uint64(8<<20+16*len(data)))
	if err != nil {
		require.Nil(t, image)
		var e *eif.Error
		require.ErrorAs(t, err, &e)
		require.ErrorIs(t, err, e.Reason)
		require.NotEmpty(t, err.Error())
		return
	}
	booted := byOffsets(data)
	described, complete := inSequence(data)
	require.Equal(t, booted, withoutPCR8(image.Measurements))
	if complete {
		require.Equal(t, booted, described)
	} else {
		require.Contains(t, reasons(image.Warnings), eif.Gap)
	}
}

func withoutPCR8(bank pcr.Bank) pcr.Bank {
	return pcr.Bank{0: bank[0], 1: bank[1], 2: bank[2]}
}

// content gathers what the registers cover.
type content struct {
	image, boot, app []byte
	ramdisks         int
}

func (c *content) add(kind uint16, data []byte) {
	if kind < 1 || kind > 3 {
		return
	}
	c.image = append(c.image, data...)
	if kind == 3 {
		c.ramdisks++
	}
	if kind == 3 && c.ramdisks > 1 {
		c.app = append(c.app, data...)
	} else {
		c.boot = append(c.boot, data...)
	}
}

func (c *content) bank() pcr.Bank {
	return pcr.Bank{0: register(c.image), 1: register(c.boot), 2: register(c.app)}
}

// byOffsets measures an image that is known to be good as the hypervisor does.
func byOffsets(data []byte) pcr.Bank {
	var c content
	for i := range int(binary.BigEndian.Uint16(data[0x1a:])) {
		section := data[binary.BigEndian.Uint64(data[offsetsAt+8*i:]):]
		size := binary.BigEndian.Uint64(section[4:])
		c.add(binary.BigEndian.Uint16(section), section[sectionHeaderSize:][:size])
	}
	return c.bank()
}

// inSequence measures as describe-eif does, and reports whether it could.
func inSequence(data []byte) (pcr.Bank, bool) {
	var c content
	r := bytes.NewReader(data[headerSize:])
	for {
		var h struct {
			Type, Flags uint16
			Size        uint64
		}
		if binary.Read(r, binary.BigEndian, &h) != nil {
			return c.bank(), r.Len() == 0
		}
		if h.Type < 1 || h.Type > 5 || h.Size > uint64(r.Len()) {
			return nil, false
		}
		section := make([]byte, h.Size)
		if _, err := r.Read(section); err != nil && h.Size > 0 {
			return nil, false
		}
		c.add(h.Type, section)
	}
}
