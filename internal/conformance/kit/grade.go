package kit

import (
	"maps"
	"slices"

	"github.com/nitroattest/nitroattest/internal/vectors"
)

// Grade is what a verdict is worth.
type Grade string

const (
	Right           Grade = "right"
	Allowed         Grade = "allowed"          // accepted, and the case is acceptable
	WronglyAccepted Grade = "wrongly-accepted" // invalid, and not acceptable
	WronglyRefused  Grade = "wrongly-refused"  // valid
	OtherImage      Grade = "other-image"      // valid, by an image that it does not match
	NotSupported    Grade = "unsupported"      // the program cannot judge it
)

// Row counts the grades of some cases.
type Row struct {
	Flag  string        `json:"flag,omitempty"`
	Cases int           `json:"cases"`
	Count map[Grade]int `json:"count"`
	// OtherReasons are cases that were rightly refused, for a reason other than
	// the expected one or none. Nothing is wrong with that.
	OtherReasons int `json:"otherReasons"`
}

func (r *Row) add(g Grade, otherReason bool) {
	if r.Count == nil {
		r.Count = map[Grade]int{}
	}
	r.Cases++
	r.Count[g]++
	if otherReason {
		r.OtherReasons++
	}
}

// Wrong returns how many cases the program judged wrongly.
func (r Row) Wrong() int {
	return r.Count[WronglyAccepted] + r.Count[WronglyRefused] + r.Count[OtherImage]
}

// Finding is a case that was judged wrongly, or that the program cannot judge.
type Finding struct {
	ID       int    `json:"tcId"`
	Name     string `json:"name"`
	Grade    Grade  `json:"grade"`
	Attacker string `json:"attacker"`
	Expected string `json:"expected"` // the result, and the reason or the image
	Found    string `json:"found"`
	Comment  string `json:"comment"`
}

// Report is how a program did.
type Report struct {
	Total    Row       `json:"total"`
	Flags    []Row     `json:"flags"` // by name; a case counts under each of its flags
	Findings []Finding `json:"findings"`
}

// Conforms reports that the program judged every case, and none wrongly.
func (r *Report) Conforms() bool { return r.Total.Wrong() == 0 && r.Total.Count[NotSupported] == 0 }

// GradeAll compares verdicts by tcId with the tests of a file. A test without a
// verdict counts as one that the program cannot judge.
func GradeAll(f *vectors.File, verdicts map[int]Verdict) *Report {
	r := &Report{Findings: []Finding{}}
	flags := map[string]*Row{}
	for _, group := range f.TestGroups {
		for _, test := range group.Tests {
			v, ok := verdicts[test.ID]
			if !ok {
				v.Result = Unsupported
			}
			g := grade(test, v)
			// A policy that is refused has no reason.
			other := g == Right && test.Reason != "" && v.Reason != test.Reason
			r.Total.add(g, other)
			for _, flag := range test.Flags {
				if flags[flag] == nil {
					flags[flag] = &Row{Flag: flag}
				}
				flags[flag].add(g, other)
			}
			if g != Right && g != Allowed {
				r.Findings = append(r.Findings, Finding{
					ID: test.ID, Name: test.Name, Grade: g, Attacker: test.Attacker,
					Expected: describe(test.Result, test.Reason, test.Image),
					Found:    describe(v.Result, v.Reason, v.Image),
					Comment:  test.Comment,
				})
			}
		}
	}
	for _, flag := range slices.Sorted(maps.Keys(flags)) {
		r.Flags = append(r.Flags, *flags[flag])
	}
	return r
}

func grade(test vectors.Test, v Verdict) Grade {
	switch {
	case v.Result != vectors.Valid && v.Result != vectors.Invalid:
		return NotSupported
	case test.Result == vectors.Valid && v.Result == vectors.Invalid:
		return WronglyRefused
	case test.Result == vectors.Valid && v.Image != "" && v.Image != test.Image:
		return OtherImage
	case test.Result == v.Result:
		return Right
	case test.Acceptable:
		return Allowed
	}
	return WronglyAccepted
}

func describe(result, reason, image string) string {
	for _, more := range []string{reason, image} {
		if more != "" {
			result += " " + more
		}
	}
	return result
}
