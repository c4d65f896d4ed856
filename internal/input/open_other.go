//go:build !unix

package input

import "os"

// openWithoutWaiting is os.Open where opening waits for nobody.
func openWithoutWaiting(name string) (*os.File, error) { return os.Open(name) }
