//go:build !linux || (!amd64 && !arm64)

package nsm

import "errors"

// Open opens /dev/nsm. There are enclaves for Linux on amd64 and arm64 only;
// elsewhere the error is errors.ErrUnsupported.
func Open() (*Device, error) {
	return nil, &Error{Reason: Unavailable, Request: "Open", Detail: "/dev/nsm", Err: errors.ErrUnsupported}
}
