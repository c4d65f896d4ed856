// Package formtest compares a hand-written test of a text with the regular
// expression that it stands for.
package formtest

import (
	"regexp"
	"testing"

	"github.com/stretchr/testify/require"
)

// inserted are pieces that a hand-written test could take wrongly: bytes at the
// borders of the sets, line ends, letters that fold to ASCII, bytes that are not
// UTF-8.
var inserted = []string{
	"", "\x00", "\t", "\n", "\r", " ", "!", "+", ",", "-", ".", "/", "0", "9", ":", ";", "=", "@",
	"A", "F", "G", "Z", "[", "_", "`", "a", "f", "g", "z", "{", "~", "\x7f", "\x80", "\xff", "é", "\u017f", "\u212a", "\u00a0",
}

// Compare demands the same answer of match and of the expression: for the seeds,
// for everything that comes of a seed by replacing up to two bytes at one place
// by one of the pieces, and for every seed shortened to each length and doubled.
// Both answers have to occur.
func Compare(t *testing.T, expression string, match func(text string) bool, seeds ...string) {
	t.Helper()
	compiled := regexp.MustCompile(expression)
	answers := map[bool]int{}
	check := func(text string) {
		expected := compiled.MatchString(text)
		require.Equal(t, expected, match(text), "%q against %s", text, expression)
		answers[expected]++
	}
	for _, seed := range seeds {
		check(seed + seed)
		for at := 0; at <= len(seed); at++ {
			check(seed[:at])
			check(seed[at:])
			for cut := 0; cut <= 2 && at+cut <= len(seed); cut++ {
				for _, piece := range inserted {
					check(seed[:at] + piece + seed[at+cut:])
				}
			}
		}
	}
	require.NotZero(t, answers[true])
	require.NotZero(t, answers[false])
}
