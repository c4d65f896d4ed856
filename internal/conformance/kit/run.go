package kit

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/exec"
)

// Run starts a program, gives it the cases and returns its verdicts by tcId.
// They may come in any order. It is an error if a case has no verdict or two,
// if a line is none, or if the program fails; what it writes to standard error
// goes to messages.
func Run(ctx context.Context, program []string, cases []Case, messages io.Writer) (map[int]Verdict, error) {
	if len(program) == 0 {
		return nil, errors.New("no program is named")
	}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	cmd := exec.CommandContext(ctx, program[0], program[1:]...)
	cmd.Stderr = messages
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	// Written beside the reading, so that neither side waits for the other. A
	// program that stops reading is noticed by the verdicts that it does not give.
	go func() {
		defer in.Close()
		w := bufio.NewWriter(in)
		e := json.NewEncoder(w)
		e.SetEscapeHTML(false)
		for _, c := range cases {
			if e.Encode(c) != nil {
				return
			}
		}
		_ = w.Flush()
	}()
	verdicts, err := readVerdicts(out, cases)
	if err != nil {
		stop()
		_ = cmd.Wait()
		return nil, err
	}
	if err := cmd.Wait(); err != nil {
		return nil, fmt.Errorf("%s: %w", program[0], err)
	}
	for _, c := range cases {
		if _, ok := verdicts[c.ID]; !ok {
			return nil, fmt.Errorf("%s: gave %d verdicts for %d cases, none for the case with tcId %d", program[0], len(verdicts), len(cases), c.ID)
		}
	}
	return verdicts, nil
}

func readVerdicts(r io.Reader, cases []Case) (map[int]Verdict, error) {
	asked := make(map[int]bool, len(cases))
	for _, c := range cases {
		asked[c.ID] = true
	}
	verdicts := make(map[int]Verdict, len(cases))
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, maxLine)
	n := 0
	for lines.Scan() {
		n++
		v, err := parseVerdict(lines.Bytes())
		if err != nil {
			return nil, fmt.Errorf("line %d of the program: %w", n, err)
		}
		if !asked[v.ID] {
			return nil, fmt.Errorf("line %d of the program: tcId: found %d, which no case has", n, v.ID)
		}
		if _, twice := verdicts[v.ID]; twice {
			return nil, fmt.Errorf("line %d of the program: tcId: found %d a second time", n, v.ID)
		}
		verdicts[v.ID] = v
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("line %d of the program: %w", n+1, err)
	}
	return verdicts, nil
}
