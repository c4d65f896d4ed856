package pcr

import (
	"crypto/sha512"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
)

// Explain says in short sentences what the registers that differ stand for,
// what follows from which of them differ together, and what to look at. The
// sentences hold no values; those are in Registers. It returns nil when every
// register is equal.
func (m ImageMismatch) Explain() []string {
	e := explanation{found: map[int]finding{}}
	for _, c := range m.Registers {
		e.found[c.Register] = findingOf(c)
		e.oneRamdisk = e.oneRamdisk || c.Register == RegisterApplication && c.Equal() && c.Want == noApplication()
	}
	if m.kind == NitroTPM {
		e.instance(m.Differing())
		return e.sentences
	}
	e.debugMode()
	e.code()
	e.surroundings(m.Differing())
	return e.sentences
}

// MarshalJSON implements [encoding/json.Marshaler]:
// {"image": name, "registers": [...], "explanation": ["..."]}.
func (m ImageMismatch) MarshalJSON() ([]byte, error) {
	explanation := m.Explain()
	if explanation == nil {
		explanation = []string{}
	}
	return json.Marshal(struct {
		Image       string       `json:"image"`
		Registers   []Comparison `json:"registers"`
		Explanation []string     `json:"explanation"`
	}{m.Image, m.Registers, explanation})
}

// finding is what came of one register. The zero finding is that of a register
// that the image does not list.
type finding int

const (
	notListed finding = iota
	equal
	differs
	zero
	absent
)

func findingOf(c Comparison) finding {
	switch {
	case c.Equal():
		return equal
	case c.Got == nil:
		return absent
	case c.Got.IsZero():
		return zero
	default:
		return differs
	}
}

// noApplication is PCR2 of every image whose only ramdisk is the boot ramdisk:
// the measurement of no bytes.
var noApplication = sync.OnceValue(func() Value {
	nothing := sha512.Sum384(nil)
	return Value{}.Extend(nothing[:])
})

type explanation struct {
	found      map[int]finding
	oneRamdisk bool // PCR2 is equal and says nothing of the application
	sentences  []string
}

func (e *explanation) say(format string, args ...any) {
	e.sentences = append(e.sentences, fmt.Sprintf(format, args...))
}

// debugMode takes the registers that are zero together.
func (e *explanation) debugMode() {
	var zeros []string
	for register := RegisterImage; register <= RegisterApplication; register++ {
		if e.found[register] == zero {
			zeros = append(zeros, fmt.Sprintf("PCR%d", register))
		}
	}
	if len(zeros) == 0 {
		return
	}
	verb := "is"
	if len(zeros) > 1 {
		verb = "are"
	}
	e.say("%s %s zero: the enclave runs in debug mode, which hides what it measured; start it without --debug-mode.", join(zeros), verb)
}

// code compares the three registers that an image file determines. PCR0
// covers what PCR1 and PCR2 cover together.
func (e *explanation) code() {
	image, kernel, app := e.found[RegisterImage], e.found[RegisterKernel], e.found[RegisterApplication]
	switch {
	case e.oneRamdisk && (kernel == differs || image == differs && kernel == notListed):
		e.say("%s differs, and PCR2 is that of an image with one ramdisk, which holds the application too: another kernel, command line or ramdisk; compare the whole build.", oneOf(kernel == differs, "PCR1", "PCR0"))
	case kernel == differs && app == differs:
		e.say("PCR1 and PCR2 differ: another application and another kernel, command line or boot ramdisk; compare the whole build, its tools included.")
	case kernel == differs && app == equal:
		e.say("PCR1 differs and PCR2 is equal: the same application with another kernel, command line or boot ramdisk; compare the versions of nitro-cli and of its kernel.")
	case app == differs && kernel == equal:
		e.say("PCR2 differs and PCR1 is equal: another application on the same kernel, command line and boot ramdisk; compare what was built into the image.")
	case kernel == differs:
		e.say("PCR1 differs: another kernel, command line or boot ramdisk; compare the versions of nitro-cli and of its kernel.")
	case app == differs:
		e.say("PCR2 differs: another application; compare what was built into the image.")
	case image == differs && kernel == equal && app == equal:
		e.say("PCR0 differs, but PCR1 and PCR2 are equal: the same parts in another order, or reference values that are not all of one image.")
	case image == differs && kernel == equal:
		e.say("PCR0 differs and PCR1 is equal: another application on the same kernel, command line and boot ramdisk; compare what was built into the image.")
	case image == differs && app == equal:
		e.say("PCR0 differs and PCR2 is equal: the same application with another kernel, command line or boot ramdisk; compare the versions of nitro-cli and of its kernel.")
	case image == differs:
		e.say("PCR0 differs: another image; reference values for PCR1 and PCR2 would tell its kernel and its application apart.")
	}
	if image == equal && (kernel == differs || app == differs) {
		e.say("PCR0 is equal, and it covers everything that PCR1 and PCR2 do: the reference values are hardly all of one image.")
	}
}

// surroundings goes through the registers that say where the enclave runs, who
// signed its image, and what the application added; and those that are absent.
func (e *explanation) surroundings(differing []Comparison) {
	for _, c := range differing {
		switch found := e.found[c.Register]; {
		case found == absent && c.Register >= RegisterUser:
			e.say("PCR%d is absent: a document lists registers from %d up only once the application has extended or locked them.", c.Register, RegisterUser)
		case found == absent:
			e.say("PCR%d (%s) is absent from the document, so nothing is known of it.", c.Register, Enclave.Describe(c.Register))
		case c.Register <= RegisterApplication:
		case found == zero:
			e.say("PCR%d is zero: %s.", c.Register, meaningOfZero(c.Register))
		default:
			e.say("PCR%d differs: %s.", c.Register, meaningOfOther(c.Register))
		}
	}
}

func meaningOfZero(register int) string {
	switch {
	case register == RegisterRole:
		return "the parent instance has no IAM role"
	case register == RegisterInstance:
		return "the hypervisor measured no instance ID"
	case register == RegisterCertificate:
		return "the image is not signed"
	case register >= RegisterUser:
		return "the application has not extended it"
	}
	return "it is reserved, and zero in every enclave"
}

func meaningOfOther(register int) string {
	switch {
	case register == RegisterRole:
		return "the parent instance has another IAM role; compare the ARN, its path included"
	case register == RegisterInstance:
		return "the enclave runs on another parent instance"
	case register == RegisterCertificate:
		return "the image is signed with another certificate; a renewed certificate of the same key counts as another"
	case register >= RegisterUser:
		return "the application extended it with something else, or with the same in another order"
	}
	return "it is reserved; take it out of the reference values"
}

// instance is for NitroTPM, where no register covers another.
func (e *explanation) instance(differing []Comparison) {
	for _, c := range differing {
		switch e.found[c.Register] {
		case absent:
			e.say("PCR%d (%s) is absent from the document, so nothing is known of it.", c.Register, NitroTPM.Describe(c.Register))
		case zero:
			e.say("PCR%d is zero: nothing was measured into it (%s).", c.Register, meaningForInstance(c.Register))
		default:
			e.say("PCR%d differs: %s.", c.Register, meaningForInstance(c.Register))
		}
	}
}

func meaningForInstance(register int) string {
	switch register {
	case RegisterBootLoader:
		return "boot loader and kernel; compare the machine image"
	case RegisterSecureBoot:
		return "Secure Boot is off, or has other keys"
	case RegisterCommandLine:
		return "kernel command line; it is measured only where it overrides the built-in one"
	}
	return NitroTPM.Describe(register)
}

func oneOf(first bool, a, b string) string {
	if first {
		return a
	}
	return b
}

// join returns "PCR0", "PCR0 and PCR1" or "PCR0, PCR1 and PCR2".
func join(names []string) string {
	if len(names) == 1 {
		return names[0]
	}
	last := len(names) - 1
	return strings.Join(names[:last], ", ") + " and " + names[last]
}
