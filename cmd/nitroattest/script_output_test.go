package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"os/exec"
	"regexp"
	"strconv"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"
)

// cmdExits runs a command and asserts its exact exit status:
//
//	exits 3 nitroattest verify ...
//
// Nothing that the command prints is ever coloured, for neither of its outputs
// is a terminal.
func cmdExits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits status command [argument...]")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	got := 0
	if err := ts.Exec(args[1], args[2:]...); err != nil {
		var exit *exec.ExitError
		if !errors.As(err, &exit) {
			ts.Fatalf("%v", err)
		}
		got = exit.ExitCode()
	}
	if got != want {
		ts.Fatalf("found exit status %d, expected %d", got, want)
	}
	for _, output := range []string{"stdout", "stderr"} {
		if strings.Contains(ts.ReadFile(output), "\x1b") {
			ts.Fatalf("%s: found an escape byte", output)
		}
	}
}

// cmdObjects asserts that standard output is this many JSON objects, one a
// line, each with at least the keys of the contract:
//
//	objects 2
func cmdObjects(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: objects count")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	lines := outputLines(ts)
	if len(lines) != want {
		ts.Fatalf("found %d lines, expected %d", len(lines), want)
	}
	for i, line := range lines {
		var object map[string]json.RawMessage
		if err := json.Unmarshal([]byte(line), &object); err != nil {
			ts.Fatalf("line %d: %v", i, err)
		}
		if !strings.HasPrefix(line, `{"file":`) {
			ts.Fatalf("line %d: file is not the first key", i)
		}
		for _, key := range []string{"accepted", "authentic", "reason", "detail", "image", "debug", "verified_at",
			"fresh_until", "document", "unverified_document", "mismatch", "chain", "checks"} {
			if _, ok := object[key]; !ok {
				ts.Fatalf("line %d: %s: missing", i, key)
			}
		}
	}
}

func outputLines(ts *testscript.TestScript) []string {
	return strings.Split(strings.TrimSuffix(ts.ReadFile("stdout"), "\n"), "\n")
}

// cmdValue asserts a value in the JSON of one line of standard output, counted
// from 0:
//
//	value 0 document.pcrs.0 '"cbe1..."'
func cmdValue(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: value line path json")
	}
	n, err := strconv.Atoi(args[0])
	ts.Check(err)
	got := json.RawMessage(outputLines(ts)[n])
	for name := range strings.SplitSeq(args[1], ".") {
		got = step(ts, got, name)
	}
	var compact bytes.Buffer
	ts.Check(json.Compact(&compact, got))
	if compact.String() != args[2] {
		ts.Fatalf("%s: found %s, expected %s", args[1], compact.String(), args[2])
	}
}

// step goes into a member of an object or an element of an array.
func step(ts *testscript.TestScript, value json.RawMessage, name string) json.RawMessage {
	var object map[string]json.RawMessage
	if json.Unmarshal(value, &object) == nil {
		inner, ok := object[name]
		if !ok {
			ts.Fatalf("%s: missing in %s", name, value)
		}
		return inner
	}
	var array []json.RawMessage
	ts.Check(json.Unmarshal(value, &array))
	i, err := strconv.Atoi(name)
	ts.Check(err)
	if i >= len(array) {
		ts.Fatalf("%d: found %d elements", i, len(array))
	}
	return array[i]
}

var appraisedOn = regexp.MustCompile(`(?m)^<p class="dim">Appraised on [^<]*</p>\n`)

// cmdWithoutDate takes out of a report the only line that differs from run to
// run, and fails where it is not there once:
//
//	without-date report.html
func cmdWithoutDate(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: without-date file")
	}
	text := ts.ReadFile(args[0])
	if n := len(appraisedOn.FindAllString(text, -1)); n != 1 {
		ts.Fatalf("%s has %d dates of an appraisal, expected one", args[0], n)
	}
	write(ts, args[0], []byte(appraisedOn.ReplaceAllString(text, "")))
}
