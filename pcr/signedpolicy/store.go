package signedpolicy

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sync"

	"github.com/nitroattest/nitroattest/internal/durable"
)

// Store remembers the highest version of each policy. An implementation may be
// used by several goroutines.
type Store interface {
	// Advance remembers version unless a higher one of that name is known, and
	// returns the highest known then. The two steps are one: of two calls at
	// the same time neither undoes the other. When it fails, the statement is
	// refused.
	Advance(name string, version uint64) (highest uint64, err error)
}

// NewMemoryStore returns a Store that forgets everything with the process.
func NewMemoryStore() Store { return &memoryStore{versions: map[string]uint64{}} }

type memoryStore struct {
	mu       sync.Mutex
	versions map[string]uint64
}

func (m *memoryStore) Advance(name string, version uint64) (uint64, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.versions[name] = max(m.versions[name], version)
	return m.versions[name], nil
}

// maxState bounds the file of a FileStore.
const maxState = 1 << 20

// NewFileStore returns a Store in a file, {"versions": {"<name>": 7}}. A file
// that does not exist has seen nothing; one that cannot be read or is damaged
// fails every call, as does a directory that does not exist. The file is
// replaced as a whole, after its content has reached the disk, and the call returns
// after its name has. Processes of
// one machine take turns by a lock on a second file, whose name ends in .lock;
// on systems without flock, Windows for example, only one process may use the
// file at a time.
func NewFileStore(path string) Store { return &fileStore{path: path, syncFolder: durable.SyncFolder} }

type fileStore struct {
	mu         sync.Mutex
	path       string
	syncFolder func(path string) error
}

func (f *fileStore) Advance(name string, version uint64) (uint64, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	lock, err := lockFile(f.path + ".lock")
	if err != nil {
		return 0, err
	}
	defer lock.Close()
	versions, err := f.read()
	if err != nil {
		return 0, err
	}
	if highest, ok := versions[name]; ok && highest >= version {
		return highest, nil
	}
	versions[name] = version
	if err := f.write(versions); err != nil {
		return 0, err
	}
	return version, nil
}

func (f *fileStore) read() (map[string]uint64, error) {
	versions := map[string]uint64{}
	file, err := os.Open(f.path)
	if errors.Is(err, fs.ErrNotExist) {
		return versions, nil
	}
	if err != nil {
		return nil, err
	}
	defer file.Close()
	data, err := io.ReadAll(io.LimitReader(file, maxState+1))
	if err != nil {
		return nil, err
	}
	if len(data) > maxState {
		return nil, fmt.Errorf("%s: found more than %d bytes, expected at most that", f.path, maxState)
	}
	if err := readVersions(data, versions); err != nil {
		return nil, fmt.Errorf("%s: %w", f.path, err)
	}
	return versions, nil
}

func readVersions(data []byte, versions map[string]uint64) error {
	v, err := parseJSON(data)
	if err != nil {
		return err
	}
	return v.object(field{name: "versions", read: func(v value) error {
		return v.members(func(name string, v value) error {
			if _, ok := versions[name]; ok {
				return v.errorf("the key is given twice")
			}
			var version uint64
			err := readVersion(&version)(v)
			versions[name] = version
			return err
		})
	}})
}

func (f *fileStore) write(versions map[string]uint64) error {
	data, err := json.Marshal(struct {
		Versions map[string]uint64 `json:"versions"`
	}{versions})
	if err != nil {
		return err
	}
	if len(data)+1 > maxState {
		return fmt.Errorf("%s: would have more than %d bytes, expected at most that", f.path, maxState)
	}
	temporary, err := os.CreateTemp(filepath.Dir(f.path), "."+filepath.Base(f.path)+"-*")
	if err != nil {
		return err
	}
	_, err = temporary.Write(append(data, '\n'))
	if err == nil {
		err = temporary.Sync()
	}
	if closed := temporary.Close(); err == nil {
		err = closed
	}
	if err == nil {
		err = os.Rename(temporary.Name(), f.path)
	}
	if err != nil {
		os.Remove(temporary.Name())
		return err
	}
	// A machine that loses power could bring the file of before back, and with it an
	// older version.
	return f.syncFolder(filepath.Dir(f.path))
}
