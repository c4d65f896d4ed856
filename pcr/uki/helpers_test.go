package uki_test

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/nitroattest/nitroattest/pcr"
	"github.com/nitroattest/nitroattest/pcr/uki"
)

func testdata(t testing.TB, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("..", "..", "testdata", "uki", name))
	require.NoError(t, err)
	return data
}

// secureBoot returns the variables that the recorded images were booted with.
func secureBoot(t testing.TB) *uki.SecureBoot {
	t.Helper()
	return &uki.SecureBoot{
		PK: testdata(t, "PK.esl"), KEK: testdata(t, "KEK.esl"),
		DB: testdata(t, "db.esl"), DBX: testdata(t, "dbx.esl"),
	}
}

func measure(data []byte, o uki.Options) (*uki.Image, error) {
	return uki.Measure(bytes.NewReader(data), int64(len(data)), o)
}

func mustMeasure(t testing.TB, data []byte, o uki.Options) *uki.Image {
	t.Helper()
	image, err := measure(data, o)
	require.NoError(t, err)
	return image
}

// requireReason asserts that Measure refuses for one rule, and returns the error
// for a closer look.
func requireReason(t testing.TB, reason uki.Reason, data []byte, o uki.Options) *uki.Error {
	t.Helper()
	image, err := measure(data, o)
	require.Error(t, err)
	assert.Nil(t, image, "no image comes with an error")
	require.ErrorIs(t, err, reason, err.Error())
	var e *uki.Error
	require.ErrorAs(t, err, &e)
	return e
}

// boot is what a machine reported that booted an image.
type boot struct {
	bank   pcr.Bank
	events []uki.Event // without detail
}

var eventTypes = map[uint32]uki.EventType{
	0x00000004: uki.Separator,
	0x80000001: uki.VariableConfig,
	0x80000003: uki.Application,
	0x80000007: uki.Action,
	0x800000e0: uki.VariableAuthority,
}

// recordedBoot reads a log of testdata/uki, and of its events those of the
// registers that Measure computes.
func recordedBoot(t testing.TB, name string) boot {
	t.Helper()
	b := boot{bank: pcr.Bank{}}
	var later []uki.Event // of PCR7, which Measure lists after those of PCR4
	for line := range strings.Lines(string(testdata(t, name))) {
		fields := strings.Fields(line)
		switch fields[0] {
		case "PCR":
			register, err := strconv.Atoi(fields[1])
			require.NoError(t, err)
			b.bank[register], err = pcr.ParseValue(fields[2])
			require.NoError(t, err)
		case "EVENT":
			// TCG_PCR_EVENT2: register, type, 1 digest, SHA-384, digest, data.
			raw, err := hex.DecodeString(fields[1])
			require.NoError(t, err)
			require.Equal(t, []byte{1, 0, 0, 0, 0x0c, 0}, raw[8:14])
			e := uki.Event{
				Register: int(binary.LittleEndian.Uint32(raw)),
				Type:     eventTypes[binary.LittleEndian.Uint32(raw[4:])],
				Digest:   uki.Digest(raw[14:62]),
			}
			switch e.Register {
			case pcr.RegisterSecureBoot:
				later = append(later, e)
			case pcr.RegisterBootLoader, pcr.RegisterCommandLine:
				b.events = append(b.events, e)
			}
		}
	}
	require.Len(t, b.bank, 24)
	require.NotEmpty(t, later)
	b.events = append(b.events, later...)
	return b
}

// measurements are the registers that Measure computes.
func (b boot) measurements() pcr.Bank {
	bank := pcr.Bank{}
	for _, register := range []int{pcr.RegisterBootLoader, pcr.RegisterSecureBoot, pcr.RegisterCommandLine, pcr.RegisterSystemExtensions} {
		bank[register] = b.bank[register]
	}
	return bank
}

func withoutDetail(events []uki.Event) []uki.Event {
	events = slices.Clone(events)
	for i := range events {
		events[i].Detail = ""
	}
	return events
}
