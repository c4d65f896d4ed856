package pcr

import (
	"bytes"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/nitroattest/nitroattest/internal/form"
	"github.com/nitroattest/nitroattest/internal/savedtext"
)

// decodeText returns a text in UTF-8 without a byte order mark.
func decodeText(data []byte) ([]byte, error) {
	text, err := savedtext.Decode(data)
	if err != nil {
		return nil, &Error{Reason: MalformedPolicy, Detail: err.Error()}
	}
	for at := 0; at < len(text); {
		r, size := utf8.DecodeRune(text[at:])
		if r == utf8.RuneError && size == 1 {
			line, column := (&document{text, true}).position(at)
			return nil, &Error{Reason: MalformedPolicy, Line: line, Column: column, Detail: fmt.Sprintf("found the byte 0x%02x, which is not UTF-8, expected text", text[at])}
		}
		at += size
	}
	return text, nil
}

// isRegisterLines recognises the form "<hex> PCR0", one register a line, by its
// first line.
func isRegisterLines(text []byte) bool {
	first, _, _ := bytes.Cut(bytes.TrimLeft(text, " \t\r\n"), []byte("\n"))
	return isRegisterLine(string(bytes.TrimSpace(first)))
}

// isRegisterLine recognises a word, spaces, and PCR in either case with digits or
// without.
func isRegisterLine(line string) bool {
	at := strings.IndexAny(line, spaces)
	if at <= 0 {
		return false
	}
	name := strings.TrimLeft(line[at:], " \t")
	return len(name) >= 3 && strings.EqualFold(name[:3], "PCR") && strings.Trim(name[3:], form.Digits) == ""
}

const spaces = " \t\n\f\r"

// isBareValue recognises the digits of one register, with 0x or without.
func isBareValue(text string) bool {
	if len(text) > 2 && strings.EqualFold(text[:2], "0x") {
		text = text[2:]
	}
	return len(text) == 96 && form.Only(text, form.Hex)
}

// registerLines reads that form.
func registerLines(text []byte) ([]sourced, error) {
	bank := Bank{}
	var wrong mistakes
	for i, line := range strings.Split(string(text), "\n") {
		fields := strings.Fields(line)
		if len(fields) == 0 {
			continue
		}
		fail := func(field int, format string, args ...any) {
			column := 1 + strings.Index(line, fields[min(field, len(fields)-1)])
			wrong.add(&Error{Reason: InvalidField, Line: i + 1, Column: column, Detail: fmt.Sprintf(format, args...)})
		}
		if len(fields) != 2 {
			fail(0, "found %d words, expected 96 hex digits and PCR<n>", len(fields))
			continue
		}
		register, ok := parsePCR(fields[1])
		if !ok {
			fail(1, "found register %q, expected PCR0 to PCR31", fields[1])
			continue
		}
		if bank.has(register) {
			fail(1, "register %d is given twice", register)
		}
		value, fault := parseValue(strings.TrimPrefix(fields[0], "0x"))
		if fault != "" {
			fail(0, "%s", fault)
		}
		bank[register] = value
	}
	return []sourced{{Image: Image{Name: unnamed, PCRs: bank}}}, wrong.err()
}

// parsePCR reads "PCR0" or "pcr0", as tools write the names of registers.
func parsePCR(name string) (int, bool) {
	digits, ok := strings.CutPrefix(name, "PCR")
	if !ok {
		digits, ok = strings.CutPrefix(name, "pcr")
	}
	if !ok || strings.HasPrefix(digits, "PCR") {
		return 0, false
	}
	return parseRegister(digits)
}
