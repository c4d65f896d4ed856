//go:build linux && (amd64 || arm64)

package nsm

import "unsafe"

// OpenPath opens another file as if it were /dev/nsm.
var OpenPath = open

const (
	Ioctl       = ioctlRaw
	MessageSize = unsafe.Sizeof(raw{})
)
