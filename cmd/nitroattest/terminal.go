package main

import (
	"io"
	"os"

	"github.com/nitroattest/nitroattest/internal/plain"
)

// isTerminal reports whether w is a terminal, or another device for characters
// that is not the null device. To tell these apart would take golang.org/x/sys.
func isTerminal(w io.Writer) bool {
	file, ok := w.(*os.File)
	if !ok {
		return false
	}
	info, err := file.Stat()
	if err != nil || info.Mode()&os.ModeCharDevice == 0 {
		return false
	}
	null, err := os.Stat(os.DevNull)
	return err != nil || !os.SameFile(info, null)
}

// palette colours words, or leaves them alone.
type palette struct{ on bool }

// newPalette follows https://no-color.org: colour only on a terminal, and
// never when NO_COLOR is set to anything.
func newPalette(w io.Writer) palette {
	return palette{on: isTerminal(w) && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"}
}

func (p palette) paint(code, text string) string {
	if !p.on {
		return text
	}
	return "\x1b[" + code + "m" + text + "\x1b[0m"
}

func (p palette) good(text string) string { return p.paint("1;32", text) }
func (p palette) bad(text string) string  { return p.paint("1;31", text) }
func (p palette) dim(text string) string  { return p.paint("2", text) }

// printable makes text fit for a terminal.
func printable(text string) string { return plain.Text(text) }

// printableJSON makes JSON fit for a terminal.
func printableJSON(text []byte) []byte { return plain.JSON(text) }
