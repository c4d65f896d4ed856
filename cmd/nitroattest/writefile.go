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

// writeFile writes a file, or standard output for -.
func (s stdio) writeFile(name string, data []byte) error {
	if name == "-" {
		return printOut(s.out, data)
	}
	return writeFile(name, data)
}

// writeFile replaces a file as a whole: whoever reads it meanwhile finds the
// old content or the new one, and a failure leaves the old one. What is not a
// file, /dev/stdout for example, is written to.
func writeFile(name string, data []byte) error {
	if name == "" {
		return errors.New("found an empty name, expected the file to write")
	}
	info, err := os.Stat(name)
	if err == nil && !info.IsDir() && !info.Mode().IsRegular() {
		err = os.WriteFile(name, data, 0o666)
	} else {
		err = replaceFile(name, func(file *os.File) error {
			_, err := file.Write(data)
			return err
		})
	}
	if err != nil {
		return fmt.Errorf("%s: %w", name, withoutPaths(err))
	}
	return nil
}

// writeFileWith is writeFile for what does not fit in memory, or is looked at
// before it is put in place: the file can be read, too. An error of write
// leaves everything as it was.
func writeFileWith(name string, write func(*os.File) error) error {
	if name == "" {
		return errors.New("found an empty name, expected the file to write")
	}
	if err := replaceFile(name, write); err != nil {
		return fmt.Errorf("%s: %w", name, withoutPaths(err))
	}
	return nil
}

func replaceFile(name string, write func(*os.File) error) error {
	mode := fs.FileMode(0o666)
	info, err := os.Stat(name)
	switch {
	case err == nil && info.IsDir():
		return errors.New("found a directory, expected a file")
	case err == nil && !info.Mode().IsRegular():
		return errors.New("found a device, pipe or socket, expected a file")
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
	file, err := os.OpenFile(temporary, os.O_RDWR|os.O_CREATE|os.O_EXCL, mode)
	if err != nil {
		return err
	}
	err = write(file)
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
