//go:build !linux || (!amd64 && !arm64)

package nsm

import (
	"errors"
	"fmt"
)

// Open opens /dev/nsm. There are enclaves for Linux on amd64 and arm64 only;
// elsewhere the error is errors.ErrUnsupported.
func Open() (*Device, error) {
	return nil, fmt.Errorf("nsm: /dev/nsm: %w", errors.ErrUnsupported)
}
