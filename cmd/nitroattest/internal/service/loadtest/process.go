package main

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"os/exec"
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

// processor is how long a process has run on a core, with what the kernel did for
// it: 0 where there is no /proc.
func processor(pid int) time.Duration {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0
	}
	// The name, in parentheses, may have spaces. User and system time are the
	// 14th and 15th field, in hundredths of a second (proc_pid_stat(5)).
	fields := bytes.Fields(stat[bytes.LastIndexByte(stat, ')')+1:])
	user, _ := strconv.Atoi(string(fields[11]))
	system, _ := strconv.Atoi(string(fields[12]))
	return time.Duration(user+system) * 10 * time.Millisecond
}
