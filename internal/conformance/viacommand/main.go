// Viacommand lets the conformance kit grade the command nitroattest, which it
// starts once for each case:
//
//	go build -o nitroattest ./cmd/nitroattest
//	go run ./internal/conformance -- go run ./internal/conformance/viacommand ./nitroattest
//
// What the command has no flags for is unsupported: certificates and modules
// that are denied, and revocation lists that are asked for where there is none.
package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"sync"

	"github.com/nitroattest/nitroattest/internal/conformance/kit"
	"github.com/nitroattest/nitroattest/internal/vectors"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: viacommand NITROATTEST")
		os.Exit(2)
	}
	if err := run(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, "viacommand:", err)
		os.Exit(1)
	}
}

func run(command string) error {
	dir, err := os.MkdirTemp("", "conformance")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	var mu sync.Mutex // of standard output and the first error
	var failed error
	out := json.NewEncoder(os.Stdout)
	var workers sync.WaitGroup
	cases := make(chan kit.Case)
	for range runtime.NumCPU() {
		workers.Go(func() {
			for c := range cases {
				v, err := judge(command, filepath.Join(dir, strconv.Itoa(c.ID)), c)
				mu.Lock()
				if err == nil {
					err = out.Encode(v)
				}
				if err != nil && failed == nil {
					failed = fmt.Errorf("case with tcId %d: %w", c.ID, err)
				}
				mu.Unlock()
			}
		})
	}
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 16<<20)
	for lines.Scan() && err == nil {
		var c kit.Case
		if err = json.Unmarshal(lines.Bytes(), &c); err == nil {
			cases <- c
		}
	}
	close(cases)
	workers.Wait()
	return errors.Join(failed, lines.Err(), err)
}

// judge has the command judge a case, whose files are in dir.
func judge(command, dir string, c kit.Case) (kit.Verdict, error) {
	if err := os.Mkdir(dir, 0o700); err != nil {
		return kit.Verdict{}, err
	}
	defer os.RemoveAll(dir)
	if c.Type == vectors.Policies {
		return judgePolicy(command, dir, c)
	}
	if !expressible(c) {
		return kit.Verdict{ID: c.ID, Result: kit.Unsupported}, nil
	}
	args, err := arguments(dir, c)
	if err != nil {
		return kit.Verdict{}, err
	}
	stdout, stderr, _, err := start(command, args...)
	if err != nil {
		return kit.Verdict{}, err
	}
	var report struct {
		Accepted *bool                  `json:"accepted"`
		Reason   string                 `json:"reason"`
		Image    *struct{ Name string } `json:"image"`
	}
	if err := json.Unmarshal(stdout, &report); err != nil || report.Accepted == nil {
		return kit.Verdict{}, fmt.Errorf("the command judged nothing: %s", stderr)
	}
	v := kit.Verdict{ID: c.ID, Result: vectors.Invalid, Reason: report.Reason}
	if *report.Accepted {
		v.Result, v.Image = vectors.Valid, report.Image.Name
	}
	return v, nil
}

// expressible reports whether there are flags for a case.
func expressible(c kit.Case) bool {
	r := c.Config.Revocation
	return r == nil || len(r.Certificates) == 0 && len(r.Modules) == 0 && (len(r.CRLs) > 0 || r.Unknown == "accept")
}

// arguments writes the files of a case and returns the arguments of verify.
func arguments(dir string, c kit.Case) ([]string, error) {
	policy, err := json.Marshal(c.Config.Policy)
	if err != nil {
		return nil, err
	}
	files := map[string][]byte{"document": c.Evidence, "root": []byte(c.Config.Root), "policy": policy}
	file := func(name string) string { return filepath.Join(dir, name) }
	args := []string{
		"verify", "--json", "--kind", c.Config.Kind, "--at", c.Time,
		"--root", file("root"), "--policy", file("policy"),
	}
	// Without an age any will do; no document is as old as this.
	age := "1000000h"
	if c.Expectation.MaxAgeSeconds != nil {
		age = fmt.Sprintf("%ds", *c.Expectation.MaxAgeSeconds)
	}
	if c.Expectation.MaxAgeSeconds != nil || c.Expectation.Nonce == nil {
		args = append(args, "--max-age", age)
	}
	for flag, value := range map[string]*string{"--nonce": c.Expectation.Nonce, "--user-data": c.Expectation.UserData, "--public-key": c.Expectation.PublicKey} {
		if value != nil {
			args = append(args, flag, *value)
		}
	}
	for register, digits := range c.Expectation.PCRs {
		args = append(args, "--expect-pcr", register+"="+digits)
	}
	if c.Expectation.NoUserData {
		args = append(args, "--no-user-data")
	}
	if c.Expectation.NoPublicKey {
		args = append(args, "--no-public-key")
	}
	if r := c.Config.Revocation; r != nil {
		for i, list := range r.CRLs {
			name := fmt.Sprintf("crl%d", i)
			files[name] = list
			args = append(args, "--crl", file(name))
		}
		if r.Unknown == "accept" && len(r.CRLs) > 0 { // without a list nothing is asked for anyway
			args = append(args, "--missing-crl", "insecure-accept")
		}
	}
	for name, data := range files {
		if err := os.WriteFile(file(name), data, 0o600); err != nil {
			return nil, err
		}
	}
	return append(args, "--", file("document")), nil
}

func judgePolicy(command, dir string, c kit.Case) (kit.Verdict, error) {
	file := filepath.Join(dir, "policy")
	if err := os.WriteFile(file, []byte(c.PolicyText), 0o600); err != nil {
		return kit.Verdict{}, err
	}
	_, stderr, status, err := start(command, "policy", "show", "--kind", c.Kind, "--", file)
	switch {
	case err != nil:
		return kit.Verdict{}, err
	case status == 0:
		return kit.Verdict{ID: c.ID, Result: vectors.Valid}, nil
	case bytes.Contains(stderr, []byte(file+": ")):
		return kit.Verdict{ID: c.ID, Result: vectors.Invalid}, nil
	}
	return kit.Verdict{}, fmt.Errorf("the command judged nothing: %s", stderr)
}

// start returns what the command wrote and its exit status.
func start(command string, args ...string) (stdout, stderr []byte, status int, err error) {
	var out, problems bytes.Buffer
	cmd := exec.Command(command, args...)
	cmd.Stdout, cmd.Stderr = &out, &problems
	err = cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		return nil, nil, 0, err
	}
	return out.Bytes(), problems.Bytes(), cmd.ProcessState.ExitCode(), nil
}
