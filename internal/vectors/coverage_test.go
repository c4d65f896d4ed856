package vectors_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/nitroattest/nitroattest/internal/vectors"
)

// reasons returns every constant of type Reason in package attestation, so
// that a new one cannot be forgotten here.
func reasons(t *testing.T) []string {
	file, err := parser.ParseFile(token.NewFileSet(), "../../attestation/reason.go", nil, 0)
	require.NoError(t, err)
	var out []string
	ast.Inspect(file, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok {
			return true
		}
		if name, ok := spec.Type.(*ast.Ident); ok && name.Name == "Reason" {
			value, err := strconv.Unquote(spec.Values[0].(*ast.BasicLit).Value)
			require.NoError(t, err)
			out = append(out, value)
		}
		return true
	})
	require.GreaterOrEqual(t, len(out), 17)
	return out
}

// checks returns the numbers of the list in the package documentation.
func checks(t *testing.T) []int {
	text, err := os.ReadFile("../../attestation/doc.go")
	require.NoError(t, err)
	var out []int
	for _, m := range regexp.MustCompile(`(?m)^//\t( ?\d+)  `).FindAllSubmatch(text, -1) {
		n, err := strconv.Atoi(strings.TrimSpace(string(m[1])))
		require.NoError(t, err)
		assert.Equal(t, len(out)+1, n)
		out = append(out, n)
	}
	require.GreaterOrEqual(t, len(out), 30)
	return out
}

// All reasons can come from a document or from what is known to be revoked.
func TestEveryReasonHasACase(t *testing.T) {
	found := map[string]int{}
	for _, group := range read(t).TestGroups {
		for _, test := range group.Tests {
			found[test.Reason]++
		}
	}
	for _, reason := range reasons(t) {
		assert.Positive(t, found[reason], reason)
		delete(found, reason)
	}
	delete(found, "") // valid documents, and policies
	assert.Empty(t, found, "reasons that do not exist")
}

// notViolated are the checks that no case can violate: 30 is about cost, which
// no verdict shows.
var notViolated = map[int]string{30: "cost"}

func TestEveryCheckHasACase(t *testing.T) {
	f := read(t)
	valid, invalid := map[int]int{}, map[int]int{}
	for _, group := range f.TestGroups {
		for _, test := range group.Tests {
			for _, flag := range test.Flags {
				note, ok := f.Notes[flag]
				require.True(t, ok, "%s: flag %q has no note", test.Name, flag)
				if test.Result == vectors.Valid {
					valid[note.Check]++
				} else {
					invalid[note.Check]++
				}
			}
		}
	}
	for _, check := range checks(t) {
		if _, ok := notViolated[check]; ok {
			assert.Zero(t, valid[check]+invalid[check], check)
			continue
		}
		assert.Positive(t, invalid[check], "check %d", check)
		t.Logf("check %d: %d valid, %d invalid", check, valid[check], invalid[check])
	}
	for flag, note := range f.Notes {
		assert.Positive(t, valid[note.Check]+invalid[note.Check], flag)
	}
}

func TestNumbersAndNames(t *testing.T) {
	f := read(t)
	names := map[string]bool{}
	roots, policies := map[string]bool{}, map[string]bool{}
	count := 0
	for _, group := range f.TestGroups {
		for _, test := range group.Tests {
			count++
			assert.Equal(t, count, test.ID)
			assert.False(t, names[test.Name], test.Name)
			names[test.Name] = true
			assert.Equal(t, group.Type == vectors.Policies, test.PolicyText != "", test.Name)
			assert.Equal(t, group.Type == vectors.Policies, test.Config == nil, test.Name)
			if test.Config == nil {
				assert.Empty(t, test.Reason)
				continue
			}
			assert.Equal(t, test.Result == vectors.Valid, test.Reason == "", test.Name)
			assert.Equal(t, test.Result == vectors.Valid, test.Image != "", test.Name)
			assert.NotNil(t, test.Evidence, test.Name)
			assert.Contains(t, f.Roots, test.Config.Root)
			assert.Contains(t, f.Policies, test.Config.Policy)
			roots[test.Config.Root], policies[test.Config.Policy] = true, true
		}
	}
	assert.Equal(t, f.NumberOfTests, count)
	assert.Len(t, roots, len(f.Roots), "roots that no test uses")
	assert.Len(t, policies, len(f.Policies), "policies that no test uses")
}
