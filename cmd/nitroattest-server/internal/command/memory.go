package command

import (
	"fmt"
	"os"
	"runtime/debug"

	"github.com/nitroattest/nitroattest/cmd/nitroattest-server/internal/memory"
)

// garbage is for a process that goes on for months with a few megabytes of its
// own and makes ninety of garbage in a second of load. The limit keeps it from
// mattering where there is much more than that.
const garbage = 400

// limitMemory leaves alone what the environment says.
func (f *serveFlags) limitMemory() (memory.Limit, error) {
	var flag int64
	if f.memory != "" {
		var err error
		if flag, err = memory.ParseSize(f.memory); err != nil {
			return memory.Limit{}, fmt.Errorf("--memory-limit: %w", err)
		}
		if flag < memory.Smallest {
			return memory.Limit{}, fmt.Errorf("--memory-limit: found %s, expected at least %d MiB", f.memory, memory.Smallest>>20)
		}
	}
	limit := memory.Find(flag, os.Getenv("GOMEMLIMIT"), os.DirFS("/"))
	if limit.Bytes != 0 {
		debug.SetMemoryLimit(limit.Bytes)
	}
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(garbage)
	}
	return limit, nil
}
