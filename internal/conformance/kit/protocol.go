package kit

import (
	"bytes"
	"encoding/json"
	"fmt"

	"github.com/nitroattest/nitroattest/internal/plain"
	"github.com/nitroattest/nitroattest/internal/vectors"
)

// Case is one line that the program reads: a test of the vectors without its
// name and its answer, and with what the file names elsewhere put in.
type Case struct {
	ID    int    `json:"tcId"`
	Group int    `json:"group"` // counted from 1
	Type  string `json:"type"`  // of the group

	Evidence    []byte               `json:"evidence,omitzero"`
	Time        string               `json:"time,omitempty"`
	Config      *Config              `json:"config,omitempty"`
	Expectation *vectors.Expectation `json:"expectation,omitempty"`

	PolicyText string `json:"policyText,omitempty"`
	Kind       string `json:"kind,omitempty"`
}

// Config is that of the vectors, with the root and the policy themselves.
type Config struct {
	Kind       string              `json:"kind"`
	Root       string              `json:"root"` // PEM
	Policy     vectors.Policy      `json:"policy"`
	Revocation *vectors.Revocation `json:"revocation"`
}

// Cases returns the tests of a file in their order, as a program sees them.
func Cases(f *vectors.File) []Case {
	var cases []Case
	for i, group := range f.TestGroups {
		for _, test := range group.Tests {
			c := Case{
				ID: test.ID, Group: i + 1, Type: group.Type,
				Evidence: test.Evidence, Time: test.Time, Expectation: test.Expectation,
				PolicyText: test.PolicyText, Kind: test.Kind,
			}
			if test.Config != nil {
				c.Config = &Config{
					Kind: test.Config.Kind, Root: f.Roots[test.Config.Root],
					Policy: f.Policies[test.Config.Policy], Revocation: test.Config.Revocation,
				}
			}
			cases = append(cases, c)
		}
	}
	return cases
}

// Unsupported is the result of a case that the program cannot judge. The others
// are those of the vectors.
const Unsupported = "unsupported"

// Verdict is one line that the program writes.
type Verdict struct {
	ID     int    `json:"tcId"`
	Result string `json:"result"` // "valid", "invalid" or "unsupported"
	Reason string `json:"reason"` // of "invalid", by the vectors' names; may be empty
	Image  string `json:"image"`  // of "valid", the image that matched; may be empty
}

// maxLine bounds a line that the program writes.
const maxLine = 64 << 10

func parseVerdict(line []byte) (Verdict, error) {
	d := json.NewDecoder(bytes.NewReader(line))
	d.DisallowUnknownFields()
	var v Verdict
	if err := d.Decode(&v); err != nil || d.More() {
		return v, fmt.Errorf("found %s, expected one JSON object with tcId, result, reason and image", excerpt(line))
	}
	switch v.Result {
	case vectors.Valid, vectors.Invalid, Unsupported:
		return v, nil
	}
	return v, fmt.Errorf("result: found %q, expected %q, %q or %q", v.Result, vectors.Valid, vectors.Invalid, Unsupported)
}

// excerpt shows what a program wrote, without what would move the cursor.
func excerpt(line []byte) string {
	const most = 80
	if len(line) > most {
		return fmt.Sprintf("%q...", plain.Text(string(line[:most])))
	}
	return fmt.Sprintf("%q", plain.Text(string(line)))
}
