// Package form tells whether a short text is written as a name has to be. It
// stands in for regular expressions: package regexp costs every program that
// links it time to build, to load and to start.
package form

import "strings"

// Sets of characters for Only.
const (
	Digits       = "0123456789"
	LowerHex     = Digits + "abcdef"
	Hex          = LowerHex + "ABCDEF"
	LowerLetters = "abcdefghijklmnopqrstuvwxyz"
	Letters      = LowerLetters + "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
)

// Only reports whether text has at least one character, and each is one of the
// set, which is ASCII.
func Only(text, set string) bool { return text != "" && strings.Trim(text, set) == "" }

// ModuleID is the ID of a module taken apart: "i-0123-enc4567" has the instance
// "i-0123", the type "enc" and the suffix "4567".
type ModuleID struct {
	Instance string
	Type     string // enc or tpm
	Suffix   string // hex digits
}

// IsInstance reports whether id is that of an instance: i- and hex digits, at
// least one.
func IsInstance(id string) bool {
	digits, ok := strings.CutPrefix(id, "i-")
	return ok && Only(digits, LowerHex)
}

// ParseModuleID takes apart an ID whose two numbers have any length.
func ParseModuleID(id string) (ModuleID, bool) {
	dash := strings.LastIndexByte(id, '-')
	if dash < 0 || len(id) < dash+len("-enc") {
		return ModuleID{}, false
	}
	m := ModuleID{Instance: id[:dash], Type: id[dash+1 : dash+4], Suffix: id[dash+4:]}
	ok := IsInstance(m.Instance) && (m.Type == "enc" || m.Type == "tpm") && Only(m.Suffix, LowerHex)
	return m, ok
}
