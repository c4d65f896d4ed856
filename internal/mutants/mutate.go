package main

import (
	"cmp"
	"fmt"
	"go/ast"
	"go/build"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// mutant is one change to one file.
type mutant struct {
	file        string // slash-separated, from the root of the module
	function    string // the innermost named function, or "-"
	start, end  int    // bytes that are replaced
	old, new    string
	occurrence  int // of the same change in the same function, from 1
	replacement []byte
}

// name is stable while what it changes stays.
func (m mutant) name() string {
	name := fmt.Sprintf("%s %s: %s -> %s", m.file, m.function, m.old, m.new)
	if m.occurrence > 1 {
		name += fmt.Sprintf(" #%d", m.occurrence)
	}
	return name
}

// mutantsOf returns the mutants of all files of a directory that are built, but
// for tests.
func mutantsOf(dir string) ([]mutant, error) {
	names, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil {
		return nil, err
	}
	var out []mutant
	for _, name := range names {
		built, err := build.Default.MatchFile(dir, filepath.Base(name))
		if err != nil {
			return nil, err
		}
		if !built || strings.HasSuffix(name, "_test.go") {
			continue
		}
		source, err := os.ReadFile(name)
		if err != nil {
			return nil, err
		}
		found, err := mutate(filepath.ToSlash(name), source)
		if err != nil {
			return nil, err
		}
		out = append(out, found...)
	}
	return out, nil
}

// mutate returns the mutants of one file, in its order.
func mutate(file string, source []byte) ([]mutant, error) {
	files := token.NewFileSet()
	tree, err := parser.ParseFile(files, file, source, 0)
	if err != nil {
		return nil, err
	}
	c := &collector{file: file, source: source, files: files}
	for _, declaration := range tree.Decls {
		c.function = "-"
		if f, ok := declaration.(*ast.FuncDecl); ok {
			c.function = f.Name.Name
		}
		ast.Inspect(declaration, c.visit)
	}
	slices.SortStableFunc(c.mutants, func(a, b mutant) int { return cmp.Compare(a.start, b.start) })
	seen := map[string]int{}
	for i := range c.mutants {
		m := &c.mutants[i]
		seen[m.name()]++
		m.occurrence = seen[m.name()]
	}
	return c.mutants, nil
}

type collector struct {
	file, function string
	source         []byte
	files          *token.FileSet
	mutants        []mutant
}

// swaps are what a binary operator becomes.
var swaps = map[token.Token][]token.Token{
	token.EQL: {token.NEQ}, token.NEQ: {token.EQL},
	token.LSS: {token.LEQ, token.GEQ}, token.LEQ: {token.LSS, token.GTR},
	token.GTR: {token.GEQ, token.LEQ}, token.GEQ: {token.GTR, token.LSS},
	token.LAND: {token.LOR}, token.LOR: {token.LAND},
}

func (c *collector) visit(node ast.Node) bool {
	switch n := node.(type) {
	case *ast.BinaryExpr:
		for _, operator := range swaps[n.Op] {
			c.add(n, c.text(n.X)+" "+operator.String()+" "+c.text(n.Y))
		}
		if n.Op == token.LAND || n.Op == token.LOR {
			c.add(n, c.text(n.X))
			c.add(n, c.text(n.Y))
		}
	case *ast.IfStmt:
		c.add(n.Cond, "("+c.text(n.Cond)+") && false")
		c.add(n.Cond, "("+c.text(n.Cond)+") || true")
	case *ast.SwitchStmt:
		for _, clause := range n.Body.List {
			for _, condition := range clause.(*ast.CaseClause).List {
				if n.Tag == nil {
					c.add(condition, "("+c.text(condition)+") && false")
				}
			}
		}
	case *ast.UnaryExpr:
		if n.Op == token.NOT {
			c.add(n, c.text(n.X))
		}
	case *ast.BasicLit:
		if value, err := strconv.ParseInt(n.Value, 0, 64); n.Kind == token.INT && err == nil {
			c.add(n, strconv.FormatInt(value+1, 10))
		}
	case *ast.ReturnStmt:
		if c.besideError(n) {
			// The values are zero, and nobody looks at them.
			ast.Inspect(n.Results[len(n.Results)-1], c.visit)
			return false
		}
		for _, result := range n.Results {
			switch c.text(result) {
			case "true":
				c.add(result, "false")
			case "false":
				c.add(result, "true")
			}
		}
	}
	return true
}

// besideError reports whether a return has literals and nils before an error or
// false.
func (c *collector) besideError(n *ast.ReturnStmt) bool {
	if len(n.Results) < 2 {
		return false
	}
	for _, result := range n.Results[:len(n.Results)-1] {
		if _, literal := result.(*ast.BasicLit); !literal && c.text(result) != "nil" {
			return false
		}
	}
	switch c.text(n.Results[len(n.Results)-1]) {
	case "nil", "true":
		return false
	}
	return true
}

func (c *collector) text(node ast.Node) string {
	start, end := c.span(node)
	return string(c.source[start:end])
}

func (c *collector) span(node ast.Node) (start, end int) {
	return c.files.Position(node.Pos()).Offset, c.files.Position(node.End()).Offset
}

func (c *collector) add(node ast.Node, replacement string) {
	start, end := c.span(node)
	c.mutants = append(c.mutants, mutant{
		file: c.file, function: c.function, start: start, end: end,
		old: oneLine(c.text(node)), new: oneLine(replacement), replacement: []byte(replacement),
	})
}

func oneLine(text string) string { return strings.Join(strings.Fields(text), " ") }

// apply returns the source with the change.
func (m mutant) apply(source []byte) []byte {
	return slices.Concat(source[:m.start], m.replacement, source[m.end:])
}
