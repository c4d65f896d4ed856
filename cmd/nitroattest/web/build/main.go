// Build makes the verifier for browsers and Node:
//
//	go run ./cmd/nitroattest/web/build DIR
//
// It writes DIR/npm, a package for npm with the WebAssembly in it, and
// DIR/nitroattest.html, the page. It needs nothing but Go.
package main

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: build DIR")
		os.Exit(2)
	}
	if err := build(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, "build:", err)
		os.Exit(1)
	}
}

const program = "github.com/nitroattest/nitroattest/cmd/nitroattest/web"

func build(to string) error {
	web, err := output("go", "list", "-f", "{{.Dir}}", program)
	if err != nil {
		return err
	}
	goroot, err := output("go", "env", "GOROOT")
	if err != nil {
		return err
	}
	b := builder{web: web, root: filepath.Join(web, "..", "..", ".."), goroot: goroot, to: to}
	for _, step := range []func() error{b.programs, b.runtime, b.npm, b.page} {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

func output(name string, args ...string) (string, error) {
	cmd := exec.Command(name, args...)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("%s: %w", strings.Join(cmd.Args, " "), err)
	}
	return strings.TrimSpace(string(out)), nil
}

type builder struct {
	web, root, goroot, to string

	wasm, goJS []byte // wasm with all functions
}

func (b *builder) out(name string) string { return filepath.Join(b.to, name) }

// programs builds the WebAssembly, once with the functions that write HTML and
// measure images and once without, which most programs load.
func (b *builder) programs() (err error) {
	if err := os.MkdirAll(b.out("npm"), 0o755); err != nil {
		return err
	}
	if _, err := b.program("nitroattest.wasm", "-tags=noreport"); err != nil {
		return err
	}
	b.wasm, err = b.program("nitroattest-report.wasm")
	return err
}

func (b *builder) program(name string, flags ...string) ([]byte, error) {
	file, err := filepath.Abs(b.out("npm/" + name))
	if err != nil {
		return nil, err
	}
	args := append([]string{"build", "-trimpath", "-ldflags=-s -w", "-o", file}, flags...)
	cmd := exec.Command("go", append(args, program)...)
	cmd.Env = append(os.Environ(), "GOOS=js", "GOARCH=wasm", "CGO_ENABLED=0")
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	if err := cmd.Run(); err != nil {
		return nil, fmt.Errorf("go build: %w", err)
	}
	return os.ReadFile(file)
}

// runtime makes a module of Go's wasm_exec.js, which takes the global scope for
// its own. As the body of a function with a parameter of that name it leaves the
// real one alone, and the program sees only what it is given.
func (b *builder) runtime() error {
	source, err := os.ReadFile(filepath.Join(b.goroot, "lib", "wasm", "wasm_exec.js"))
	if err != nil {
		return err
	}
	// The one place that goes past the parameter.
	const bare, scoped = "\tfs.writeSync(", "\tglobalThis.fs.writeSync("
	if n := bytes.Count(source, []byte(bare)); n != 1 {
		return fmt.Errorf("wasm_exec.js: found %d times %q, expected it once", n, bare)
	}
	source = bytes.Replace(source, []byte(bare), []byte(scoped), 1)
	b.goJS = fmt.Appendf(nil, "// wasm_exec.js of %s in a function. Its licence is in LICENSE-go.\n"+
		"export function newGo(globalThis) {\n%s\nreturn new globalThis.Go();\n}\n", runtime.Version(), source)
	return nil
}

// npm completes the directory of the package.
func (b *builder) npm() error {
	if err := os.WriteFile(b.out("npm/go.js"), b.goJS, 0o644); err != nil {
		return err
	}
	for name, from := range map[string]string{
		"package.json":           filepath.Join(b.web, "npm"),
		"nitroattest.js":         filepath.Join(b.web, "npm"),
		"nitroattest.d.ts":       filepath.Join(b.web, "npm"),
		"README.md":              filepath.Join(b.web, "npm"),
		"LICENSE":                b.root,
		"THIRD_PARTY_NOTICES.md": b.root,
	} {
		if err := copyFile(filepath.Join(from, name), b.out("npm/"+name)); err != nil {
			return err
		}
	}
	return copyFile(filepath.Join(b.goroot, "LICENSE"), b.out("npm/LICENSE-go"))
}

func copyFile(from, to string) error {
	data, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	return os.WriteFile(to, data, 0o644)
}

// page writes everything into one HTML file whose content security policy lets
// it run its own script and nothing else, and connect to nothing.
func (b *builder) page() error {
	read := func(name string) (string, error) {
		data, err := os.ReadFile(filepath.Join(b.web, name))
		return string(data), err
	}
	var parts [5]string
	for i, name := range []string{"page/page.html", "page/page.css", "page/page.js", "npm/nitroattest.js", "../../../internal/page/page.css"} {
		var err error
		if parts[i], err = read(name); err != nil {
			return err
		}
	}
	html, style, page, library, reportStyle := parts[0], parts[1], parts[2], parts[3], parts[4]
	script := "\"use strict\";\n" + string(b.goJS) + library + page
	var lines []string
	for line := range strings.Lines(script) {
		if !strings.HasPrefix(line, "import ") { // all of it is in this one script
			lines = append(lines, strings.TrimPrefix(line, "export "))
		}
	}
	script = strings.ReplaceAll(strings.Join(lines, ""), "import.meta.url", "document.baseURI")
	if strings.Contains(script, "</script") || strings.Contains(style, "</style") {
		return fmt.Errorf("the script or the style of the page would end its element")
	}
	wasm, err := packed(b.wasm)
	if err != nil {
		return err
	}
	policy := "default-src 'none'; connect-src 'none'; script-src '" + hash(script) + "' 'wasm-unsafe-eval'; " +
		"style-src '" + hash(style) + "' '" + hash(reportStyle) + "'; base-uri 'none'; form-action 'none'"
	html = strings.NewReplacer("{{policy}}", policy, "{{style}}", style, "{{script}}", script, "{{wasm}}", wasm).Replace(html)
	temporary := b.out(".nitroattest.html")
	if err := os.WriteFile(temporary, []byte(html), 0o644); err != nil {
		return err
	}
	return os.Rename(temporary, b.out("nitroattest.html"))
}

// hash names inline text in a content security policy.
func hash(text string) string {
	digest := sha256.Sum256([]byte(text))
	return "sha256-" + base64.StdEncoding.EncodeToString(digest[:])
}

// packed is gzip in base64, which browsers unpack by themselves.
func packed(data []byte) (string, error) {
	var out bytes.Buffer
	w, err := gzip.NewWriterLevel(&out, gzip.BestCompression)
	if err != nil {
		return "", err
	}
	if _, err := w.Write(data); err != nil {
		return "", err
	}
	if err := w.Close(); err != nil {
		return "", err
	}
	return base64.StdEncoding.EncodeToString(out.Bytes()), nil
}
