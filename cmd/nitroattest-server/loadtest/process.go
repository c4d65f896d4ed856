//go:build linux

package main

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"time"

	"golang.org/x/sys/unix"
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

// processor is how long a process has run on cores, with what the kernel did for
// it, to the nanosecond.
func processor(pid int) (time.Duration, error) {
	var t unix.Timespec
	// The clock of a process as clock_getcpuclockid(3) makes it: CPUCLOCK_SCHED is
	// 2 (include/linux/posix-timers_types.h).
	if err := unix.ClockGettime(int32(^pid<<3|2), &t); err != nil {
		return 0, fmt.Errorf("clock_gettime for process %d: %w", pid, err)
	}
	return time.Duration(t.Nano()), nil
}
