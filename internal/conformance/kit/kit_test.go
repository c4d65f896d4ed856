package kit_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/nitroattest/nitroattest/attestation"
	"github.com/nitroattest/nitroattest/internal/conformance/kit"
	"github.com/nitroattest/nitroattest/internal/vectors"
)

// TestMain lets the test binary be the program that is graded: what the
// environment names is how it behaves.
func TestMain(m *testing.M) {
	if behaviour := os.Getenv("KIT_TEST_PROGRAM"); behaviour != "" {
		os.Exit(programs[behaviour](bufio.NewScanner(os.Stdin)))
	}
	os.Exit(m.Run())
}

// programs read cases and write verdicts, well or badly.
var programs = map[string]func(*bufio.Scanner) int{
	"in reverse": func(in *bufio.Scanner) int {
		var ids []int
		each(in, func(c kit.Case) { ids = append(ids, c.ID) })
		for i := range ids {
			fmt.Printf(`{"tcId": %d, "result": "invalid"}`+"\n", ids[len(ids)-1-i])
		}
		return 0
	},
	"no verdict": func(*bufio.Scanner) int { return 0 },
	"text":       func(*bufio.Scanner) int { fmt.Println("\x1b[2Jhello"); return 0 },
	"other word": func(*bufio.Scanner) int { fmt.Println(`{"tcId": 1, "result": "accepted"}`); return 0 },
	"other key":  func(*bufio.Scanner) int { fmt.Println(`{"tcId": 1, "result": "valid", "score": 1}`); return 0 },
	"two values": func(*bufio.Scanner) int { fmt.Println(`{"tcId": 1, "result": "valid"} {}`); return 0 },
	"unknown id": func(*bufio.Scanner) int { fmt.Println(`{"tcId": 4, "result": "valid"}`); return 0 },
	"long line":  func(*bufio.Scanner) int { fmt.Println(strings.Repeat(" ", 1<<20)); return 0 },
	"twice": func(*bufio.Scanner) int {
		fmt.Println(strings.Repeat(`{"tcId": 1, "result": "valid"}`+"\n", 2))
		return 0
	},
	"exit status": func(in *bufio.Scanner) int { each(in, valid); return 7 },
	"all valid":   func(in *bufio.Scanner) int { each(in, valid); return 0 },
}

func valid(c kit.Case) { fmt.Printf(`{"tcId": %d, "result": "valid"}`+"\n", c.ID) }

func each(in *bufio.Scanner, f func(kit.Case)) {
	in.Buffer(nil, 1<<20)
	for in.Scan() {
		var c kit.Case
		if err := json.Unmarshal(in.Bytes(), &c); err != nil {
			panic(err)
		}
		f(c)
	}
}

func run(t *testing.T, behaviour string, cases []kit.Case) (map[int]kit.Verdict, error) {
	t.Setenv("KIT_TEST_PROGRAM", behaviour)
	return kit.Run(context.Background(), []string{os.Args[0]}, cases, os.Stderr)
}

func TestRun(t *testing.T) {
	three := []kit.Case{{ID: 1}, {ID: 2}, {ID: 3}}
	for behaviour, want := range map[string]string{
		"no verdict":  "gave 0 verdicts for 3 cases, none for the case with tcId 1",
		"text":        `line 1 of the program: found "\\x1b[2Jhello", expected one JSON object`,
		"other word":  `line 1 of the program: result: found "accepted", expected "valid", "invalid" or "unsupported"`,
		"other key":   "line 1 of the program: found",
		"two values":  "line 1 of the program: found",
		"unknown id":  "line 1 of the program: tcId: found 4, which no case has",
		"twice":       "line 2 of the program: tcId: found 1 a second time",
		"long line":   "line 1 of the program: bufio.Scanner: token too long",
		"exit status": "exit status 7",
	} {
		t.Run(behaviour, func(t *testing.T) {
			verdicts, err := run(t, behaviour, three)
			require.ErrorContains(t, err, want)
			assert.Nil(t, verdicts)
		})
	}
	t.Run("in reverse", func(t *testing.T) {
		verdicts, err := run(t, "in reverse", three)
		require.NoError(t, err)
		assert.Equal(t, map[int]kit.Verdict{1: {ID: 1, Result: "invalid"}, 2: {ID: 2, Result: "invalid"}, 3: {ID: 3, Result: "invalid"}}, verdicts)
	})
	t.Run("no program", func(t *testing.T) {
		_, err := kit.Run(context.Background(), nil, three, os.Stderr)
		require.ErrorContains(t, err, "no program is named")
		_, err = kit.Run(context.Background(), []string{"/does/not/exist"}, three, os.Stderr)
		require.Error(t, err)
	})
}

// A program that reads nothing and says everything does not block the kit, and
// one that is given more than fits a pipe before it answers does not either.
func TestRunDoesNotWaitInACircle(t *testing.T) {
	var many []kit.Case
	for i := range 500 {
		many = append(many, kit.Case{ID: i + 1, PolicyText: strings.Repeat("x", 1000)})
	}
	verdicts, err := run(t, "in reverse", many)
	require.NoError(t, err)
	assert.Len(t, verdicts, 500)
}

func TestRunIsCancelled(t *testing.T) {
	ctx, stop := context.WithCancel(context.Background())
	stop()
	_, err := kit.Run(ctx, []string{os.Args[0]}, []kit.Case{{ID: 1}}, os.Stderr)
	require.ErrorIs(t, err, context.Canceled)
}

func TestCasesHoldNoAnswers(t *testing.T) {
	f := &vectors.File{
		Roots:    map[string]string{"r": "PEM"},
		Policies: map[string]vectors.Policy{"p": {Images: []vectors.Image{{Name: "i"}}}},
		TestGroups: []vectors.Group{
			{Type: vectors.Policies, Tests: []vectors.Test{{ID: 1, Name: "SECRET", Comment: "SECRET", PolicyText: "{}", Kind: "enclave", Result: "SECRET"}}},
			{Type: vectors.Sequence, Tests: []vectors.Test{{
				ID: 2, Name: "SECRET", Flags: []string{"SECRET"}, Evidence: []byte{}, Time: "2026-01-01T00:00:00.000Z",
				Config: &vectors.Config{Kind: "enclave", Root: "r", Policy: "p"}, Expectation: &vectors.Expectation{},
				Attacker: "SECRET", Acceptable: true, Result: "SECRET", Reason: "SECRET", Image: "SECRET",
			}}},
		},
	}
	out, err := json.Marshal(kit.Cases(f))
	require.NoError(t, err)
	assert.JSONEq(t, `[
		{"tcId": 1, "group": 1, "type": "policy", "policyText": "{}", "kind": "enclave"},
		{"tcId": 2, "group": 2, "type": "sequence", "evidence": "", "time": "2026-01-01T00:00:00.000Z",
			"config": {"kind": "enclave", "root": "PEM", "policy": {"images": [{"name": "i", "pcrs": null}]}, "revocation": null},
			"expectation": {"nonce": null, "maxAgeSeconds": null, "userData": null, "publicKey": null, "noUserData": false, "noPublicKey": false, "pcrs": null}}
	]`, string(out))
}

func TestGrades(t *testing.T) {
	t.Parallel()
	test := func(id int, result, attacker string, acceptable bool) vectors.Test {
		out := vectors.Test{ID: id, Name: fmt.Sprint("t", id), Flags: []string{"A"}, Result: result, Attacker: attacker, Acceptable: acceptable}
		if result == vectors.Valid {
			out.Image, out.Flags = "v1", []string{"A", "B"}
		} else {
			out.Reason = "stale"
		}
		return out
	}
	f := &vectors.File{TestGroups: []vectors.Group{{Tests: []vectors.Test{
		test(1, vectors.Valid, vectors.Anyone, false),
		test(2, vectors.Valid, vectors.Anyone, false),
		test(3, vectors.Invalid, vectors.Enclave, false),
		test(4, vectors.Invalid, vectors.Issuer, true),
	}}}}
	for name, c := range map[string]struct {
		verdicts []kit.Verdict
		grades   []kit.Grade
		other    int
		summary  string
	}{
		"all right": {
			[]kit.Verdict{{1, "valid", "", "v1"}, {2, "valid", "", ""}, {3, "invalid", "stale", ""}, {4, "invalid", "x", ""}},
			[]kit.Grade{kit.Right, kit.Right, kit.Right, kit.Right}, 1, "CONFORMS: all 4 cases",
		},
		"all accepted": {
			[]kit.Verdict{{1, "valid", "", "v1"}, {2, "valid", "", "v2"}, {3, "valid", "", "v1"}, {4, "valid", "", "v1"}},
			[]kit.Grade{kit.Right, kit.OtherImage, kit.WronglyAccepted, kit.Allowed}, 0,
			"CAN BE DECEIVED: accepts 0 cases that anyone can make, 1 of whoever can start an enclave, 0 of an issuer's and 0 wrong policies",
		},
		"all refused": {
			[]kit.Verdict{{1, "invalid", "", ""}, {2, "invalid", "", ""}, {3, "invalid", "", ""}, {4, "invalid", "stale", ""}},
			[]kit.Grade{kit.WronglyRefused, kit.WronglyRefused, kit.Right, kit.Right}, 1, "DOES NOT CONFORM: 2 of 4 cases were judged wrongly",
		},
		"not judged": {
			[]kit.Verdict{{1, "valid", "", "v1"}, {2, "unsupported", "", ""}, {3, "invalid", "stale", ""}},
			[]kit.Grade{kit.Right, kit.NotSupported, kit.Right, kit.NotSupported}, 0, "INCOMPLETE: no case was judged wrongly, 2 of 4 were not judged",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			verdicts := map[int]kit.Verdict{}
			for _, v := range c.verdicts {
				verdicts[v.ID] = v
			}
			r := kit.GradeAll(f, verdicts)
			count := map[kit.Grade]int{}
			findings := 0
			for _, g := range c.grades {
				count[g]++
				if g != kit.Right && g != kit.Allowed {
					findings++
				}
			}
			assert.Equal(t, kit.Row{Cases: 4, Count: count, OtherReasons: c.other}, r.Total)
			assert.Len(t, r.Findings, findings)
			assert.Equal(t, findings == 0, r.Conforms())
			require.Len(t, r.Flags, 2)
			assert.Equal(t, 4, r.Flags[0].Cases)
			assert.Equal(t, 2, r.Flags[1].Cases, "a case counts under each of its flags")
			var out bytes.Buffer
			require.NoError(t, r.WriteTable(&out, 1))
			assert.Contains(t, out.String(), c.summary)
			assert.Equal(t, findings > 1, strings.Contains(out.String(), "and 1 more"))
		})
	}
}

// The verifier of this module conforms, through the kit's own eyes; and the kit
// can tell: with one check left out it does not.
func TestTheModuleConforms(t *testing.T) {
	t.Parallel()
	f, err := vectors.Read("../../../testdata/vectors/vectors.json")
	require.NoError(t, err)
	f.TestGroups = f.TestGroups[2:] // the tests of package vectors have the long ones
	r := kit.GradeAll(f, judge(t, f, func(*attestation.Config) {}))
	assert.True(t, r.Conforms(), r.Findings)
	assert.Zero(t, r.Total.OtherReasons)
	assert.Zero(t, r.Total.Count[kit.Allowed])

	r = kit.GradeAll(f, judge(t, f, func(c *attestation.Config) { c.Revocations = nil }))
	assert.Equal(t, 16, r.Total.Count[kit.WronglyAccepted])
	assert.False(t, r.Conforms())
}

func judge(t *testing.T, f *vectors.File, change func(*attestation.Config)) map[int]kit.Verdict {
	verdicts := map[int]kit.Verdict{}
	for _, group := range f.TestGroups {
		var v *attestation.Verifier
		var now time.Time
		for i, test := range group.Tests {
			verdict := kit.Verdict{ID: test.ID, Result: vectors.Valid}
			if group.Type == vectors.Policies {
				if _, err := vectors.ReadPolicy(test.PolicyText, test.Kind); err != nil {
					verdict.Result = vectors.Invalid
				}
				verdicts[test.ID] = verdict
				continue
			}
			if i == 0 || group.Type != vectors.Sequence {
				config, err := f.VerifierConfig(test.Config, &now)
				require.NoError(t, err)
				change(&config)
				v, err = attestation.NewVerifier(config)
				require.NoError(t, err)
			}
			var err error
			now, err = time.Parse(time.RFC3339, test.Time)
			require.NoError(t, err)
			expect, err := test.Expectation.Expect()
			require.NoError(t, err)
			var refused *attestation.Error
			if result, err := v.Verify(test.Evidence, expect); errors.As(err, &refused) {
				verdict.Result, verdict.Reason = vectors.Invalid, string(refused.Reason)
			} else {
				verdict.Image = result.Image.Name
			}
			verdicts[test.ID] = verdict
		}
	}
	return verdicts
}
