package simulate

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/nitroattest/nitroattest/internal/input"
)

const (
	seedFile = "seed"
	seedSize = 32
)

// State is the directory of a simulated hypervisor.
type State struct{ seed []byte }

// OpenState opens a directory, and makes it with a new seed in it if there is
// none. Only its owner may read the seed: whoever has it can sign what the root
// of this hypervisor vouches for. The error names the file.
func OpenState(dir string) (*State, error) {
	if dir == "" {
		return nil, errors.New("found an empty name, expected a directory")
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("%s: %w", dir, input.WithoutPath(err))
	}
	if err := checkDirectory(dir); err != nil {
		return nil, fmt.Errorf("%s: %w", dir, err)
	}
	name := filepath.Join(dir, seedFile)
	seed, err := readSeed(name)
	if errors.Is(err, fs.ErrNotExist) {
		if err = createSeed(dir, name); err == nil {
			seed, err = readSeed(name)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, input.WithoutPath(err))
	}
	return &State{seed}, nil
}

// checkDirectory refuses one in which others can put their seed.
func checkDirectory(dir string) error {
	info, err := os.Stat(dir)
	if err != nil {
		return input.WithoutPath(err)
	}
	if mode := info.Mode().Perm(); hasModes && mode&0o022 != 0 {
		return fmt.Errorf("found the mode %#o, expected 0700: others can replace the keys", mode)
	}
	return nil
}

// hasModes reports whether the permissions of a file say who can read it.
const hasModes = runtime.GOOS != "windows"

func readSeed(name string) ([]byte, error) {
	file, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, errors.New("found something else than a file")
	}
	if mode := info.Mode().Perm(); hasModes && mode&0o077 != 0 {
		return nil, fmt.Errorf("found the mode %#o, expected 0600: others can read the keys", mode)
	}
	text, err := io.ReadAll(io.LimitReader(file, 2*seedSize+2))
	if err != nil {
		return nil, err
	}
	seed, err := hex.DecodeString(strings.TrimSuffix(string(text), "\n"))
	if err != nil || len(seed) != seedSize {
		return nil, fmt.Errorf("found something else, expected %d hex digits", 2*seedSize)
	}
	return seed, nil
}

// createSeed puts a whole seed in place or none. When several processes create
// one at a time, all of them take the first: a link does not replace a file.
func createSeed(dir, name string) error {
	seed := make([]byte, seedSize)
	rand.Read(seed) // never fails, see its documentation
	temporary := filepath.Join(dir, ".seed-"+rand.Text())
	file, err := os.OpenFile(temporary, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	defer os.Remove(temporary)
	_, err = file.WriteString(hex.EncodeToString(seed) + "\n")
	if err == nil {
		err = file.Sync()
	}
	if closed := file.Close(); err == nil {
		err = closed
	}
	if err == nil {
		err = os.Link(temporary, name)
	}
	var link *os.LinkError
	switch {
	case errors.Is(err, fs.ErrExist):
		return nil
	case errors.As(err, &link):
		return fmt.Errorf("%s: %w", link.Op, link.Err)
	}
	return err
}
