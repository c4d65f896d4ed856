package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"log"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strings"
)

func main() {
	log.SetFlags(0)
	every := flag.Int("every", 1, "try one mutant of so many")
	from := flag.Int("from", 0, "begin with this one of them, from 0")
	only := flag.String("only", "", "try those alone whose name has this `TEXT` in it")
	list := flag.Bool("list", false, "print the mutants and try none")
	flag.Parse()
	if flag.NArg() == 0 || *every < 1 || *from < 0 || *from >= *every {
		log.Fatal("usage: mutants [-every N [-from K]] [-only TEXT] [-list] DIR...")
	}
	reasons, err := readReasons("internal/mutants/equivalent.txt")
	if err != nil {
		log.Fatal(err)
	}
	failed := false
	for _, dir := range flag.Args() {
		all, err := mutantsOf(filepath.Clean(dir))
		if err != nil {
			log.Fatal(err)
		}
		if *list {
			for _, m := range all {
				fmt.Println(m.name())
			}
			continue
		}
		good, err := try(dir, all, func(i int, m mutant) bool {
			if *only != "" {
				return strings.Contains(m.name(), *only)
			}
			return i%*every == *from || reasons[m.name()] != ""
		}, reasons)
		if err != nil {
			log.Fatal(err)
		}
		failed = failed || !good
	}
	if failed {
		os.Exit(1)
	}
}

// try runs the tests of a package on the mutants that are chosen and prints how each
// ended that matters.
func try(dir string, all []mutant, chosen func(int, mutant) bool, reasons map[string]string) (good bool, err error) {
	good = true
	count := map[outcome]int{}
	names := map[string]bool{}
	for i, m := range all {
		names[m.name()] = true
		reason, known := reasons[m.name()]
		if !chosen(i, m) {
			continue
		}
		o, err := m.test(dir)
		if err != nil {
			return false, err
		}
		count[o]++
		switch {
		case o == alive && !known:
			good = false
			fmt.Printf("ALIVE  %s\n", m.name())
		case o != alive && known:
			good = false
			fmt.Printf("%s, and has a reason to live: %s\n", strings.ToUpper(string(o)), m.name())
		case known:
			fmt.Printf("equivalent  %s: %s\n", m.name(), reason)
		}
	}
	for name := range reasons {
		file, _, _ := strings.Cut(name, " ")
		if path.Dir(file) == filepath.ToSlash(filepath.Clean(dir)) && !names[name] {
			good = false
			fmt.Printf("GONE, and has a reason to live: %s\n", name)
		}
	}
	fmt.Printf("%s: %d mutants, %d tried: %d killed, %d alive, %d that do not build\n", dir, len(all), count[killed]+count[alive]+count[unbuilt], count[killed], count[alive], count[unbuilt])
	return good, nil
}

type outcome string

const (
	killed  outcome = "killed"
	alive   outcome = "alive"
	unbuilt outcome = "unbuilt"
)

func (m mutant) test(dir string) (outcome, error) {
	source, err := os.ReadFile(filepath.FromSlash(m.file))
	if err != nil {
		return "", err
	}
	temporary, err := os.MkdirTemp("", "mutant")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(temporary)
	changed := filepath.Join(temporary, "changed.go")
	original, err := filepath.Abs(m.file)
	if err != nil {
		return "", err
	}
	overlay, err := json.Marshal(map[string]any{"Replace": map[string]string{original: changed}})
	if err != nil {
		return "", err
	}
	overlayFile := filepath.Join(temporary, "overlay.json")
	if err := errors.Join(os.WriteFile(changed, m.apply(source), 0o600), os.WriteFile(overlayFile, overlay, 0o600)); err != nil {
		return "", err
	}
	for _, short := range []string{"-short=true", "-short=false"} {
		o, err := runTests(dir, overlayFile, short)
		if err != nil || o != alive {
			return o, err
		}
	}
	return alive, nil
}

// runTests takes a test that does not end for one that fails.
func runTests(dir, overlay, short string) (outcome, error) {
	command := exec.Command("go", "test", "-overlay", overlay, short, "-failfast", "-count=1", "-vet=off", "-timeout=3m", "./"+filepath.ToSlash(filepath.Clean(dir)))
	out, err := command.CombinedOutput()
	var exit *exec.ExitError
	switch {
	case err == nil:
		return alive, nil
	case !errors.As(err, &exit):
		return "", err
	case bytes.Contains(out, []byte("[build failed]")), bytes.Contains(out, []byte("[setup failed]")):
		return unbuilt, nil
	default:
		return killed, nil
	}
}

// readReasons reads lines of the name of a mutant, ": " and a reason; empty ones
// and those that begin with # say nothing.
func readReasons(file string) (map[string]string, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	return parseReasons(string(data))
}

func parseReasons(text string) (map[string]string, error) {
	reasons := map[string]string{}
	for i, line := range strings.Split(text, "\n") {
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		name, reason, ok := cutLast(line, ": because ")
		if !ok || reason == "" {
			return nil, fmt.Errorf("equivalent.txt:%d: found no reason, expected NAME: because REASON", i+1)
		}
		if reasons[name] != "" {
			return nil, fmt.Errorf("equivalent.txt:%d: found a second reason for %s", i+1, name)
		}
		reasons[name] = reason
	}
	return reasons, nil
}

func cutLast(text, separator string) (before, after string, ok bool) {
	i := strings.LastIndex(text, separator)
	if i < 0 {
		return text, "", false
	}
	return text[:i], text[i+len(separator):], true
}
