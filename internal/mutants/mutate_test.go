package main

import (
	"path"
	"path/filepath"
	"strings"
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

// What stands beside an error or false is left alone, and what is returned
// without one is not.
func TestMutateReturns(t *testing.T) {
	t.Parallel()
	const source = `package p

func f(a int, err error) (int, error) {
	if err != nil {
		return 1, err
	}
	if a == 2 {
		return 3, g(4)
	}
	return 5, nil
}

func k(err error) ([]byte, int, error) {
	if err != nil {
		return nil, 8, err
	}
	return nil, 9, nil
}

func h() (int, bool) {
	func() (int, bool) { return 6, true }()
	return 7, false
}
`
	mutants, err := mutate("p/p.go", []byte(source))
	require.NoError(t, err)
	literals := map[string]string{}
	for _, m := range mutants {
		literals[m.old] = m.new
	}
	for kept, changed := range map[string]string{"2": "3", "4": "5", "5": "6", "6": "7", "9": "10", "true": "false"} {
		assert.Equal(t, changed, literals[kept], kept)
	}
	for _, gone := range []string{"1", "3", "7", "8"} {
		assert.NotContains(t, literals, gone)
	}
}

// A reason stays only as long as its mutant: when the code changes, the reason goes
// or is written anew. That the mutant still lives is for the program to say.
func TestReasonsAreOfMutantsThatAreThere(t *testing.T) {
	reasons, err := readReasons("equivalent.txt")
	require.NoError(t, err)
	require.NotEmpty(t, reasons)
	t.Chdir("../..") // files are named from the root of the module
	names := map[string]map[string]bool{}
	for name, reason := range reasons {
		file, _, _ := strings.Cut(name, " ")
		dir := path.Dir(file)
		if names[dir] == nil {
			all, err := mutantsOf(filepath.FromSlash(dir))
			require.NoError(t, err)
			names[dir] = map[string]bool{}
			for _, m := range all {
				names[dir][m.name()] = true
			}
		}
		assert.True(t, names[dir][name], "%s: no such mutant; the code has changed", name)
		assert.Greater(t, len(strings.Fields(reason)), 4, "%s: a reason is a sentence", name)
	}
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
	_, err = parseReasons("a.go f: x -> y: because of this\na.go f: x -> y: because of that\n")
	assert.ErrorContains(t, err, "equivalent.txt:2: found a second reason for a.go f: x -> y")
}
