package main

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"time"
)

// process is this program in another role. It says one line when it is ready,
// ends when its standard input does, and may say one more.
type process struct {
	*exec.Cmd
	line string
	stop func() string
}

func start(args ...string) (*process, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	p := &process{Cmd: exec.Command(self, append(args, "-ear", *ear, "-report", *report)...)}
	p.Stderr = os.Stderr
	in, err := p.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := p.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := p.Start(); err != nil {
		return nil, err
	}
	lines := bufio.NewScanner(out)
	if !lines.Scan() {
		return nil, fmt.Errorf("%v: ended early", args)
	}
	p.line = lines.Text()
	p.stop = func() string {
		in.Close()
		last := ""
		if lines.Scan() {
			last = lines.Text()
		}
		_ = p.Wait()
		return last
	}
	return p, nil
}

// memory is the resident size of a process in KiB, 0 where there is no /proc.
func (p *process) memory() int {
	file, err := os.Open(fmt.Sprintf("/proc/%d/status", p.Process.Pid))
	if err != nil {
		return 0
	}
	defer file.Close()
	size := 0
	for lines := bufio.NewScanner(file); lines.Scan(); {
		if n, _ := fmt.Sscanf(lines.Text(), "VmRSS: %d kB", &size); n == 1 {
			break
		}
	}
	return size
}

// processor is how long the threads of a process have run on a core, with what
// the kernel did for them: 0 where there is no /proc.
func processor(pid int) time.Duration {
	threads, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/schedstat", pid))
	total := time.Duration(0)
	for _, thread := range threads {
		// To the nanosecond, where /proc/PID/stat counts whole ticks for whoever
		// runs when one ends (Documentation/scheduler/sched-stats of Linux).
		stat, _ := os.ReadFile(thread)
		ran, _, _ := bytes.Cut(stat, []byte(" "))
		nanoseconds, _ := strconv.ParseInt(string(ran), 10, 64)
		total += time.Duration(nanoseconds)
	}
	return total
}
