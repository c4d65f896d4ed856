package main

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestMutate(t *testing.T) {
	t.Parallel()
	source := "package p\n\nfunc f(a, b int) bool {\n\tif a < 7 &&\n\t\t!(b == 1) {\n\t\treturn true\n\t}\n\tswitch {\n\tcase a > b:\n\t}\n\tif a < 7 {\n\t}\n\treturn false\n}\n"
	mutants, err := mutate("p/p.go", []byte(source))
	require.NoError(t, err)
	var names []string
	for _, m := range mutants {
		names = append(names, m.name())
		changed := m.apply([]byte(source))
		assert.NotEqual(t, source, string(changed), m.name())
		_, err := mutate("p/p.go", changed)
		assert.NoError(t, err, m.name())
	}
	assert.ElementsMatch(t, []string{
		"p/p.go f: a < 7 && !(b == 1) -> (a < 7 && !(b == 1)) && false",
		"p/p.go f: a < 7 && !(b == 1) -> (a < 7 && !(b == 1)) || true",
		"p/p.go f: a < 7 && !(b == 1) -> a < 7 || !(b == 1)",
		"p/p.go f: a < 7 && !(b == 1) -> a < 7",
		"p/p.go f: a < 7 && !(b == 1) -> !(b == 1)",
		"p/p.go f: a < 7 -> a <= 7",
		"p/p.go f: a < 7 -> a >= 7",
		"p/p.go f: 7 -> 8",
		"p/p.go f: !(b == 1) -> (b == 1)",
		"p/p.go f: b == 1 -> b != 1",
		"p/p.go f: 1 -> 2",
		"p/p.go f: true -> false",
		"p/p.go f: a > b -> (a > b) && false",
		"p/p.go f: a > b -> a >= b",
		"p/p.go f: a > b -> a <= b",
		"p/p.go f: a < 7 -> (a < 7) && false",
		"p/p.go f: a < 7 -> (a < 7) || true",
		"p/p.go f: a < 7 -> a <= 7 #2",
		"p/p.go f: a < 7 -> a >= 7 #2",
		"p/p.go f: 7 -> 8 #2",
		"p/p.go f: false -> true",
	}, names)
	_, err = mutate("p/p.go", []byte("package"))
	require.Error(t, err)
}

func TestParseReasons(t *testing.T) {
	t.Parallel()
	reasons, err := parseReasons("# comment\n\na.go f: x: because y -> z: because it is so\n")
	require.NoError(t, err)
	assert.Equal(t, map[string]string{"a.go f: x: because y -> z": "it is so"}, reasons)
	for _, text := range []string{"a.go f: x -> y", "a.go f: x -> y: because "} {
		_, err := parseReasons("\n" + text)
		assert.ErrorContains(t, err, "equivalent.txt:2: found no reason")
	}
}
