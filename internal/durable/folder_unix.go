//go:build unix

package durable

import (
	"errors"
	"os"
	"syscall"
)

// SyncFolder returns once the names in a folder have reached the disk. A file system
// that knows no such thing is not an error.
func SyncFolder(path string) error {
	folder, err := os.Open(path)
	if err != nil {
		return err
	}
	defer folder.Close()
	if err := folder.Sync(); err != nil && !errors.Is(err, syscall.EINVAL) && !errors.Is(err, errors.ErrUnsupported) {
		return err
	}
	return nil
}
