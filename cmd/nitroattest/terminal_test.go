package main

import (
	"bytes"
	"os"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestPrintable(t *testing.T) {
	for text, want := range map[string]string{
		"":                       "",
		`plain "text" \n é 漢`:    `plain "text" \n é 漢`,
		"bell\a":                 `bell\a`,
		"\x1b]0;title\x07":       `\x1b]0;title\a`,
		"a\tb\r\n":               `a\tb\r\n`,
		"del\x7f":                `del\x7f`,
		"C1 \u009b":              `C1 \u009b`,
		"bidi \u202e\u2066":      `bidi \u202e\u2066`,
		"zero width \u200b":      `zero width \u200b`,
		"line \u2028":            `line \u2028`,
		"not UTF-8 \x9b\xff":     `not UTF-8 \x9b\xff`,
		"quotes \"stay\" \x00":   `quotes "stay" \x00`,
		"a backslash \\ \x00":    `a backslash \\ \x00`,
		"byte order mark \ufeff": `byte order mark \ufeff`,
	} {
		assert.Equal(t, want, printable(text), "%q", text)
	}
}

func TestPaletteColoursWords(t *testing.T) {
	on, off := palette{on: true}, palette{}
	assert.Equal(t, "\x1b[1;32mx\x1b[0m", on.good("x"))
	assert.Equal(t, "\x1b[1;31mx\x1b[0m", on.bad("x"))
	assert.Equal(t, "\x1b[2mx\x1b[0m", on.dim("x"))
	assert.Equal(t, "xxx", off.good("x")+off.bad("x")+off.dim("x"))
}

func TestColourIsForTerminalsOnly(t *testing.T) {
	t.Setenv("NO_COLOR", "")
	t.Setenv("TERM", "xterm")
	assert.False(t, newPalette(new(bytes.Buffer)).on)
	file, err := os.Open(os.DevNull)
	assert.NoError(t, err)
	defer file.Close()
	assert.False(t, newPalette(file).on)

	terminal, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	if err != nil {
		t.Skip("no pseudo-terminals here")
	}
	defer terminal.Close()
	assert.True(t, newPalette(terminal).on)
	t.Setenv("TERM", "dumb")
	assert.False(t, newPalette(terminal).on)
	t.Setenv("TERM", "xterm")
	t.Setenv("NO_COLOR", "1")
	assert.False(t, newPalette(terminal).on)
}
