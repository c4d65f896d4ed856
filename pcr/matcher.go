package pcr

import (
	"encoding/binary"
	"slices"
)

// Matcher is a policy that was prepared for many comparisons. It cannot be
// changed and is safe for concurrent use.
type Matcher struct {
	policy Policy
	index  index
}

// NewMatcher returns a Matcher for a policy, of which it takes a copy, or the
// error of [Policy.Validate].
func NewMatcher(p Policy) (*Matcher, error) {
	if err := p.Validate(); err != nil {
		return nil, err
	}
	p = p.Clone()
	return &Matcher{p, newIndex(p.Images)}, nil
}

// Match is [Policy.Match]. Its time does not depend on how many images there
// are, but on how many different sets of registers they list.
func (m *Matcher) Match(got Bank) (Image, error) {
	at := m.index.first(got)
	if at == none {
		return Image{}, m.policy.mismatch(got)
	}
	return m.policy.Images[at].clone(), nil
}

// index finds images by their registers: one table for each set of registers
// that images list.
type index []indexGroup

// indexGroup holds the images that list the same registers, by a hash of their
// values. Equal hashes are told apart by the values.
type indexGroup struct {
	registers []int // ascending
	images    map[uint64][]indexed
}

type indexed struct {
	at     int // in the policy
	values []Value
}

func newIndex(images []Image) index {
	var out index
	for i, image := range images {
		registers := image.PCRs.Registers()
		at := slices.IndexFunc(out, func(g indexGroup) bool { return slices.Equal(g.registers, registers) })
		if at < 0 {
			at = len(out)
			out = append(out, indexGroup{registers, map[uint64][]indexed{}})
		}
		values, _ := valuesOf(nil, registers, image.PCRs)
		g := out[at]
		if g.find(values) == none {
			hash := hashOf(values)
			g.images[hash] = append(g.images[hash], indexed{i, values})
		}
	}
	return out
}

// find returns the first image with these values, or none.
func (g indexGroup) find(values []Value) int {
	for _, image := range g.images[hashOf(values)] {
		if slices.Equal(image.values, values) {
			return image.at
		}
	}
	return none
}

// valuesOf appends the values of registers, all of which have to be there: one
// that is left out must not escape the comparison.
func valuesOf(values []Value, registers []int, bank Bank) ([]Value, bool) {
	for _, register := range registers {
		value, ok := bank[register]
		if !ok {
			return nil, false
		}
		values = append(values, value)
	}
	return values, true
}

// hashOf takes eight bytes of each value, which are digests. Whoever writes a
// policy of values that collide has a slow policy and no other.
func hashOf(values []Value) uint64 {
	var hash uint64
	for i := range values {
		hash = (hash ^ binary.LittleEndian.Uint64(values[i][:])) * 0x9e3779b97f4a7c15
		hash ^= hash >> 32
	}
	return hash
}

// first returns the first image that bank satisfies, or none.
func (x index) first(bank Bank) int {
	first := none
	var buffer [8]Value
	for _, g := range x {
		values, ok := valuesOf(buffer[:0], g.registers, bank)
		if !ok {
			continue
		}
		if at := g.find(values); at != none && (first == none || at < first) {
			first = at
		}
	}
	return first
}

// covering returns an image other than self that every bank satisfies that
// satisfies this one, or none: its registers are among those of bank, with the
// same values.
func (x index) covering(bank Bank, self int) int {
	var buffer [8]Value
	for _, g := range x {
		if len(g.registers) > len(bank) {
			continue
		}
		values, ok := valuesOf(buffer[:0], g.registers, bank)
		if !ok {
			continue
		}
		if at := g.find(values); at != none && at != self {
			return at
		}
	}
	return none
}
