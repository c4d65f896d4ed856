package main

import (
	"bytes"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
)

func TestBar(t *testing.T) {
	const mebi = 1 << 20
	for want, at := range map[string][2]int64{
		"[                        ] 0 of 0 MiB":       {0, 0},
		"[                        ] 41 of 1024 MiB":   {41 * mebi, 1024 * mebi},
		"[############            ] 512 of 1024 MiB":  {512 * mebi, 1024 * mebi},
		"[########################] 1024 of 1024 MiB": {1024 * mebi, 1024 * mebi},
		"[########################] 9 of 8 MiB":       {9 * mebi, 8 * mebi}, // a file that grows
	} {
		assert.Equal(t, want, bar(at[0], at[1]))
	}
}

// A line is written over itself, at most ten times a second, and taken away.
func TestProgressOnATerminal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		p := &progress{w: &out, shown: time.Now()}
		p.show("work %d", 1) // which may be over at once
		assert.Empty(t, out.String())
		time.Sleep(progressInterval)
		p.show("work %d", 2)
		p.show("work %d", 3)
		assert.Equal(t, "\r\x1b[Kwork 2", out.String())
		p.clear()
		p.clear()
		assert.Equal(t, "\r\x1b[Kwork 2\r\x1b[K", out.String())
	})
	for _, long := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			var out bytes.Buffer
			stop := (&progress{w: &out}).showMeanwhile("work")
			if long {
				time.Sleep(2 * progressInterval)
			}
			stop()
			assert.Equal(t, map[bool]string{true: "\r\x1b[Kwork\r\x1b[K"}[long], out.String())
		})
	}
	nobody := newProgressOfOne(stdio{err: new(bytes.Buffer)})
	nobody.show("to nobody")
	nobody.clear()
	nobody.showMeanwhile("to nobody")()
	assert.Nil(t, nobody.w)
}
