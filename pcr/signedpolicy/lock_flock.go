//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

package signedpolicy

import (
	"os"
	"syscall"
)

// lockFile waits for the lock. Closing the file, or the end of the process,
// gives it back.
func lockFile(path string) (*os.File, error) {
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	for {
		err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX)
		if err == syscall.EINTR {
			continue
		}
		if err != nil {
			file.Close()
			return nil, &os.PathError{Op: "flock", Path: path, Err: err}
		}
		return file, nil
	}
}
