//go:build !(darwin || dragonfly || freebsd || linux || netbsd || openbsd)

package signedpolicy

import "os"

// lockFile only keeps the name taken where there is no flock.
func lockFile(path string) (*os.File, error) {
	return os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
}
