package memory

import (
	"context"
	"runtime/debug"
	"runtime/metrics"
	"time"
)

const (
	every        = 5 * time.Second
	longestPause = 10 * time.Minute

	// enough is what the process may keep without a reason.
	enough = 64 << 20

	// calm is the largest number of garbage collections between two looks at which
	// nobody else sees to the memory.
	calm = 1
)

// Trim gives memory back to the system until ctx ends. Go does so when it
// collects garbage, but a service that nobody asks for anything makes none, and
// keeps for minutes what a load has made it take.
func Trim(ctx context.Context) {
	t := trimmer{pause: every}
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-ticker.C:
			t.look(now)
		}
	}
}

// trimmer pauses for longer and longer while there is little to gain.
type trimmer struct {
	collections uint64
	next        time.Time
	pause       time.Duration
}

// look reports whether it has given memory back.
func (t *trimmer) look(now time.Time) bool {
	before, collections := read()
	since := collections - t.collections
	t.collections = collections
	if before < enough || since > calm || now.Before(t.next) {
		return false
	}
	debug.FreeOSMemory()
	var after int64
	after, t.collections = read()
	if after < before/4*3 {
		t.pause = every
	} else {
		t.pause = min(2*t.pause, longestPause)
	}
	t.next = now.Add(t.pause)
	return true
}

// read returns what Go's runtime has of the system and has not given back, and
// how often it has collected garbage.
func read() (mapped int64, collections uint64) {
	samples := []metrics.Sample{
		{Name: "/memory/classes/total:bytes"},
		{Name: "/memory/classes/heap/released:bytes"},
		{Name: "/gc/cycles/total:gc-cycles"},
	}
	metrics.Read(samples)
	return int64(samples[0].Value.Uint64() - samples[1].Value.Uint64()), samples[2].Value.Uint64()
}
