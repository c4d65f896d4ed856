package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"os"
	"path/filepath"

	"github.com/nitroattest/nitroattest/internal/input"
)

// files yields the files that a command line names, in order and one at a
// time, however many there are. A directory stands for every file below it; of
// what cannot be listed the error is yielded in its place.
func files(args []string, list io.Reader) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		for _, arg := range args {
			if !walk(arg, yield) {
				return
			}
		}
		if list == nil {
			return
		}
		lines := bufio.NewScanner(list)
		for lines.Scan() {
			if name := lines.Text(); name != "" && !walk(name, yield) {
				return
			}
		}
		if err := lines.Err(); err != nil {
			yield("--files-from", input.WithoutPath(err))
		}
	}
}

// walk reports whether to go on.
func walk(name string, yield func(string, error) bool) bool {
	if !isDirectory(name) {
		return yield(name, nil) // reading it will tell what is wrong
	}
	found := false
	// With the separator after it, a link to a directory is followed.
	err := filepath.WalkDir(name+string(filepath.Separator), func(path string, entry fs.DirEntry, err error) error {
		if err == nil && entry.IsDir() {
			return nil
		}
		found = true
		if !yield(path, input.WithoutPath(err)) {
			return errStopped
		}
		return nil
	})
	if errors.Is(err, errStopped) {
		return false
	}
	if !found {
		return yield(name, errors.New("found no file in this directory, expected attestation documents"))
	}
	return true
}

// isDirectory is false for -, whatever there is of that name.
func isDirectory(name string) bool {
	info, err := os.Stat(name)
	return name != "-" && err == nil && info.IsDir()
}

var errStopped = errors.New("stopped")

// openList opens the argument of --files-from.
func openList(name string, std stdio) (io.ReadCloser, error) {
	if name == "-" {
		return io.NopCloser(std.in), nil
	}
	file, err := input.Open(name)
	if err != nil {
		return nil, fmt.Errorf("--files-from: %s: %w", name, err)
	}
	return file, nil
}
