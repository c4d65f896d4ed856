// Package memory keeps the memory of the service bounded: it finds out what the
// process may use, and gives back what a load that is over has left.
package memory

import (
	"fmt"
	"io/fs"
	"math"
	"path"
	"strconv"
	"strings"
)

// Usual is the limit where nothing else says one. It is several times what the
// service holds under the loads that its default bounds allow.
const Usual = 256 << 20

// Smallest is the lowest limit that makes sense: below it, the service would do
// little but collect garbage.
const Smallest = 64 << 20

// Limit is how much memory Go's runtime may use.
type Limit struct {
	Bytes  int64
	Source string // "flag", "environment", "control group" or "default"
}

// Find returns the limit to set: the one of a flag, if it is not zero; else that
// of GOMEMLIMIT, with no bytes, since Go has set it already; else four fifths of
// the control group's, which pays for what the kernel keeps of connections too;
// else Usual. More than Usual is for those to say who need it.
//
// The root is "/" of the machine.
func Find(flag int64, gomemlimit string, root fs.FS) Limit {
	switch {
	case flag != 0:
		return Limit{flag, "flag"}
	case gomemlimit != "":
		return Limit{Source: "environment"}
	}
	if group, ok := controlGroup(root); ok && group/5*4 < Usual {
		return Limit{max(group/5*4, Smallest), "control group"}
	}
	return Limit{Usual, "default"}
}

// controlGroup is the smallest limit of the groups that the process is in, in
// version 2 (cgroup-v2.rst, memory.max) or 1 (memory.limit_in_bytes).
func controlGroup(root fs.FS) (int64, bool) {
	groups, err := fs.ReadFile(root, "proc/self/cgroup")
	if err != nil {
		return 0, false
	}
	smallest := int64(math.MaxInt64)
	for line := range strings.Lines(string(groups)) {
		parts := strings.SplitN(strings.TrimSpace(line), ":", 3) // hierarchy:controllers:path
		if len(parts) != 3 {
			continue
		}
		switch {
		case parts[0] == "0" && parts[1] == "":
			smallest = min(smallest, along(root, "sys/fs/cgroup", parts[2], "memory.max"))
		case parts[1] == "memory":
			smallest = min(smallest, along(root, "sys/fs/cgroup/memory", parts[2], "memory.limit_in_bytes"))
		}
	}
	// Version 1 says that there is no limit with a number that no machine has.
	return smallest, smallest < 1<<50
}

// along goes up from a group to the root of the hierarchy. In a container the
// path may be that of the host, and the root all that can be seen.
func along(root fs.FS, mount, group, file string) int64 {
	smallest := int64(math.MaxInt64)
	for dir := path.Clean("/" + group); ; dir = path.Dir(dir) {
		if data, err := fs.ReadFile(root, path.Join(mount, dir, file)); err == nil {
			if n, err := strconv.ParseInt(strings.TrimSpace(string(data)), 10, 64); err == nil && n > 0 { // or "max"
				smallest = min(smallest, n)
			}
		}
		if dir == "/" {
			return smallest
		}
	}
}

// ParseSize reads a size as GOMEMLIMIT has it, a whole number of B, KiB, MiB or
// GiB.
func ParseSize(text string) (int64, error) {
	for _, unit := range []struct {
		suffix string
		bytes  int64
	}{{"KiB", 1 << 10}, {"MiB", 1 << 20}, {"GiB", 1 << 30}, {"B", 1}} {
		digits, ok := strings.CutSuffix(text, unit.suffix)
		if !ok {
			continue
		}
		n, err := strconv.ParseInt(digits, 10, 64)
		if err != nil || n <= 0 || n > math.MaxInt64/unit.bytes || strings.HasPrefix(digits, "+") {
			break
		}
		return n * unit.bytes, nil
	}
	return 0, fmt.Errorf("found %q, expected a size such as 256MiB", text)
}
