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

	// busy is how much is allocated between two looks by a service that needs its
	// memory again at once. To give it back takes hundreds of milliseconds of a core,
	// and to get it again as many, which would be among the slowest requests.
	busy = 32 << 20
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
	last  usage
	next  time.Time
	pause time.Duration
}

// look reports whether it has given memory back.
func (t *trimmer) look(now time.Time) bool {
	before := read()
	collections, allocated := before.collections-t.last.collections, before.allocated-t.last.allocated
	t.last = before
	if before.mapped < enough || collections > calm || allocated > busy || now.Before(t.next) {
		return false
	}
	debug.FreeOSMemory()
	t.last = read()
	if t.last.mapped < before.mapped/4*3 {
		t.pause = every
	} else {
		t.pause = min(2*t.pause, longestPause)
	}
	t.next = now.Add(t.pause)
	return true
}

// usage is what Go's runtime has of the system and has not given back, and how often
// it has collected garbage and how many bytes it has allocated since the start.
type usage struct{ mapped, collections, allocated uint64 }

func read() usage {
	samples := []metrics.Sample{
		{Name: "/memory/classes/total:bytes"},
		{Name: "/memory/classes/heap/released:bytes"},
		{Name: "/gc/cycles/total:gc-cycles"},
		{Name: "/gc/heap/allocs:bytes"},
	}
	metrics.Read(samples)
	return usage{samples[0].Value.Uint64() - samples[1].Value.Uint64(), samples[2].Value.Uint64(), samples[3].Value.Uint64()}
}
