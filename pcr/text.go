package pcr

import (
	"bytes"
	"fmt"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// decodeText returns a text in UTF-8 without a byte order mark. UTF-16, as
// PowerShell writes it, is told by its mark.
func decodeText(data []byte) ([]byte, error) {
	if rest, ok := bytes.CutPrefix(data, []byte("\xef\xbb\xbf")); ok {
		data = rest
	}
	big := bytes.HasPrefix(data, []byte("\xfe\xff"))
	if big || bytes.HasPrefix(data, []byte("\xff\xfe")) {
		return decodeUTF16(data[2:], big)
	}
	for at := 0; at < len(data); {
		r, size := utf8.DecodeRune(data[at:])
		if r == utf8.RuneError && size == 1 {
			line, column := (&document{data, true}).position(at)
			return nil, &Error{Reason: MalformedPolicy, Line: line, Column: column, Detail: fmt.Sprintf("found the byte 0x%02x, which is not UTF-8, expected text", data[at])}
		}
		at += size
	}
	return data, nil
}

func decodeUTF16(data []byte, big bool) ([]byte, error) {
	if len(data)%2 != 0 {
		return nil, &Error{Reason: MalformedPolicy, Detail: "found UTF-16 with an odd number of bytes"}
	}
	units := make([]uint16, len(data)/2)
	for i := range units {
		low, high := data[2*i], data[2*i+1]
		if big {
			low, high = high, low
		}
		units[i] = uint16(high)<<8 | uint16(low)
	}
	out := make([]byte, 0, len(data))
	for i := 0; i < len(units); i++ {
		r := rune(units[i])
		if utf16.IsSurrogate(r) {
			if r = utf8.RuneError; i+1 < len(units) {
				r = utf16.DecodeRune(rune(units[i]), rune(units[i+1]))
			}
			if r == utf8.RuneError {
				return nil, &Error{Reason: MalformedPolicy, Detail: "found half of a surrogate pair in UTF-16"}
			}
			i++
		}
		out = utf8.AppendRune(out, r)
	}
	return out, nil
}

var (
	registerLine = expression(`^\S+[ \t]+(?i:PCR)[0-9]*$`)
	bareValue    = expression(`^(?i:0x)?[0-9A-Fa-f]{96}$`)
)

// isRegisterLines recognises the form "<hex> PCR0", one register a line, by its
// first line.
func isRegisterLines(text []byte) bool {
	first, _, _ := bytes.Cut(bytes.TrimLeft(text, " \t\r\n"), []byte("\n"))
	return registerLine().Match(bytes.TrimSpace(first))
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

// jsonStart returns where JSON begins behind the banner of a build tool: at the
// first line that starts with a brace or bracket.
func jsonStart(text []byte) (int, bool) {
	for at := 0; at < len(text); {
		if text[at] == '{' || text[at] == '[' {
			return at, true
		}
		next := bytes.IndexByte(text[at:], '\n')
		if next < 0 {
			break
		}
		at += next + 1
	}
	return 0, false
}
