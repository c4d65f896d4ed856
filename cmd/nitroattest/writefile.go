package main

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/nitroattest/nitroattest/internal/input"
)

// writeFile replaces a file as a whole: whoever reads it meanwhile finds the
// old content or the new one, and a failure leaves the old one. What is not a
// file, /dev/stdout for example, is written to.
func writeFile(name string, data []byte) error {
	if name == "" {
		return errors.New("found an empty name, expected the file to write")
	}
	if err := replaceFile(name, data); err != nil {
		return fmt.Errorf("%s: %w", name, withoutPaths(err))
	}
	return nil
}

func replaceFile(name string, data []byte) error {
	mode := fs.FileMode(0o666)
	info, err := os.Stat(name)
	switch {
	case err == nil && info.IsDir():
		return errors.New("found a directory, expected a file")
	case err == nil && !info.Mode().IsRegular():
		return os.WriteFile(name, data, mode)
	case err == nil:
		mode = info.Mode().Perm()
		// A link stays one.
		if name, err = filepath.EvalSymlinks(name); err != nil {
			return err
		}
	case !errors.Is(err, fs.ErrNotExist):
		return err
	}
	temporary := filepath.Join(filepath.Dir(name), ".nitroattest-"+rand.Text())
	file, err := os.OpenFile(temporary, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if err != nil {
		return err
	}
	_, err = file.Write(data)
	if info != nil && err == nil {
		err = file.Chmod(mode) // the umask is for new files
	}
	if err == nil {
		err = file.Sync()
	}
	if closed := file.Close(); err == nil {
		err = closed
	}
	if err == nil {
		err = os.Rename(temporary, name)
	}
	if err != nil {
		os.Remove(temporary)
	}
	return err
}

// withoutPaths drops the names of temporary files, too.
func withoutPaths(err error) error {
	var link *os.LinkError
	if errors.As(err, &link) {
		return fmt.Errorf("%s: %w", link.Op, link.Err)
	}
	return input.WithoutPath(err)
}
