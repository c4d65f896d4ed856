package memory

import (
	"runtime/debug"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The test is in the package, since what it is about takes ten minutes.
func TestTrimGivesBackWhatALoadHasLeft(t *testing.T) {
	defer debug.SetGCPercent(debug.SetGCPercent(1000))
	load := make([][]byte, 200)
	for i := range load {
		load[i] = make([]byte, 1<<20)
		load[i][i] = 1
	}
	require.Greater(t, read().mapped, uint64(200<<20))
	clear(load)

	now := time.Now()
	trim := trimmer{pause: every}
	// The collections before the first look may have been many or few.
	trimmed := trim.look(now)
	now = now.Add(every)
	require.True(t, trim.look(now) || trimmed)
	assert.Less(t, read().mapped, uint64(enough))

	// There is nothing left to gain, and it looks no further.
	assert.False(t, trim.look(now.Add(time.Hour)))
}

// A service that is under load needs its memory again at once.
func TestTrimWaitsForTheEndOfALoad(t *testing.T) {
	defer debug.SetGCPercent(debug.SetGCPercent(-1))
	var block []byte
	load := func() {
		for range 3 * busy >> 20 {
			block = make([]byte, 1<<20)
			block[0] = 1
		}
	}
	load()
	now := time.Now()
	trim := trimmer{pause: every}
	trim.look(now) // what was before does not count
	for range 3 {
		load()
		now = now.Add(every)
		require.False(t, trim.look(now))
	}
	now = now.Add(every)
	require.True(t, trim.look(now))
	assert.EqualValues(t, 1, block[0])
}

func TestTrimDoesNotGoOnForNothing(t *testing.T) {
	kept := make([]byte, 2*enough)
	kept[1] = 1
	now := time.Now()
	trim := trimmer{pause: every}
	trims := 0
	for range 2 * int(time.Hour/every) {
		if trim.look(now) {
			trims++
		}
		now = now.Add(every)
	}
	assert.Less(t, trims, 25) // it doubles its pause seven times and looks every ten minutes then
	assert.Greater(t, trims, 5)
	assert.EqualValues(t, 1, kept[1])
}
