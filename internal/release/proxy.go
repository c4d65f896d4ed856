package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/mod/modfile"
	"golang.org/x/mod/module"
	"golang.org/x/mod/zip"
)

// released is one module and the files of it, by their paths from its folder.
type released struct {
	path  string
	mod   []byte
	files []zip.File
}

// write puts every module of the repository into dir.
func write(repository, dir, version string) ([]released, error) {
	modules, err := collect(repository)
	if err != nil {
		return nil, err
	}
	for _, m := range modules {
		if err := m.write(dir, version); err != nil {
			return nil, fmt.Errorf("%s: %w", m.path, err)
		}
	}
	return modules, nil
}

// collect gives each file to the module of the nearest folder above it that has
// a go.mod, as the go command does.
func collect(repository string) ([]released, error) {
	listed := exec.Command("git", "ls-files", "-z", "--cached", "--others", "--exclude-standard")
	listed.Dir = repository
	out, err := listed.Output()
	if err != nil {
		return nil, fmt.Errorf("git ls-files: %w", err)
	}
	var names, roots []string
	for name := range strings.SplitSeq(strings.TrimSuffix(string(out), "\x00"), "\x00") {
		info, err := os.Lstat(filepath.Join(repository, name))
		if errors.Is(err, fs.ErrNotExist) {
			continue // deleted, and not yet committed
		}
		if err != nil {
			return nil, err
		}
		if !info.Mode().IsRegular() {
			continue
		}
		names = append(names, name)
		if path.Base(name) == "go.mod" && !slices.Contains(strings.Split(name, "/"), "testdata") {
			roots = append(roots, path.Dir(name))
		}
	}
	modules := make([]released, len(roots))
	for i, root := range roots {
		mod, err := os.ReadFile(filepath.Join(repository, root, "go.mod"))
		if err != nil {
			return nil, err
		}
		modules[i] = released{path: modfile.ModulePath(mod), mod: mod}
		if root != "." {
			modules[i].files = append(modules[i].files, file{filepath.Join(repository, "LICENSE"), "LICENSE"})
		}
	}
	for _, name := range names {
		nearest := -1
		for i, root := range roots {
			within := root == "." || strings.HasPrefix(name, root+"/")
			if within && (nearest < 0 || roots[nearest] == "." || len(root) > len(roots[nearest])) {
				nearest = i
			}
		}
		if nearest < 0 {
			continue
		}
		inside := name
		if roots[nearest] != "." {
			inside = strings.TrimPrefix(name, roots[nearest]+"/")
		}
		if inside == "LICENSE" && roots[nearest] != "." {
			continue
		}
		modules[nearest].files = append(modules[nearest].files, file{filepath.Join(repository, name), inside})
	}
	// A tool of .ci is a module that is run where it is and not released.
	return slices.DeleteFunc(modules, func(m released) bool { return !strings.Contains(m.path, "/") }), nil
}

// write lays the module out as the protocol of the proxy says (Go Modules
// Reference, "GOPROXY protocol").
func (m released) write(dir, version string) error {
	escaped, err := module.EscapePath(m.path)
	if err != nil {
		return err
	}
	at := filepath.Join(dir, filepath.FromSlash(escaped), "@v")
	if err := os.MkdirAll(at, 0o755); err != nil {
		return err
	}
	info, err := json.Marshal(map[string]any{"Version": version, "Time": time.Now().UTC().Truncate(time.Second)})
	if err != nil {
		return err
	}
	for name, data := range map[string][]byte{"list": []byte(version + "\n"), version + ".info": info, version + ".mod": m.mod} {
		if err := os.WriteFile(filepath.Join(at, name), data, 0o644); err != nil {
			return err
		}
	}
	archive, err := os.Create(filepath.Join(at, version+".zip"))
	if err != nil {
		return err
	}
	defer archive.Close()
	if err := zip.Create(archive, module.Version{Path: m.path, Version: version}, m.files); err != nil {
		return err
	}
	return archive.Close()
}

// file is a [zip.File] that lies at from and is called name in the module.
type file struct{ from, name string }

func (f file) Path() string                 { return f.name }
func (f file) Lstat() (os.FileInfo, error)  { return os.Lstat(f.from) }
func (f file) Open() (io.ReadCloser, error) { return os.Open(f.from) }
