//go:build linux && (amd64 || arm64)

package nsm

import (
	"os"
	"runtime"
	"syscall"
	"unsafe"
)

// devicePath is what the kernel names the module.
const devicePath = "/dev/nsm"

// ioctlRaw is _IOWR(0x0A, 0, struct nsm_raw) of include/uapi/linux/nsm.h.
const ioctlRaw = 0xC0200A00

// buffer is struct nsm_iovec: two 64-bit words.
type buffer struct {
	address *byte
	length  uint64
}

// raw is struct nsm_raw.
type raw struct{ request, response buffer }

// Open opens /dev/nsm. Outside of an enclave the error is fs.ErrNotExist.
func Open() (*Device, error) { return open(devicePath) }

func open(path string) (*Device, error) {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return nil, &Error{Reason: Unavailable, Request: "Open", Err: err}
	}
	return New(file{f}), nil
}

// file is a Transport by ioctl. The driver lets one request pass at a time.
type file struct{ *os.File }

// Exchange implements Transport.
func (f file) Exchange(request, response []byte) (int, error) {
	message := &raw{
		request:  buffer{unsafe.SliceData(request), uint64(len(request))},
		response: buffer{unsafe.SliceData(response), uint64(len(response))},
	}
	// The kernel follows the addresses in the message, which the garbage
	// collector must not move.
	var pinner runtime.Pinner
	defer pinner.Unpin()
	pinner.Pin(message.request.address)
	pinner.Pin(message.response.address)

	conn, err := f.SyscallConn()
	if err != nil {
		return 0, err
	}
	var errno syscall.Errno
	err = conn.Control(func(fd uintptr) {
		_, _, errno = syscall.Syscall(syscall.SYS_IOCTL, fd, ioctlRaw, uintptr(unsafe.Pointer(message)))
	})
	switch {
	case err != nil: // the file is being closed
		return 0, &os.PathError{Op: "ioctl", Path: f.Name(), Err: os.ErrClosed}
	case errno == syscall.EMSGSIZE:
		return 0, &Error{Reason: InputTooLarge, Err: errno}
	case errno != 0:
		return 0, os.NewSyscallError("ioctl", errno)
	case message.response.length > uint64(len(response)):
		return 0, refuse(InvalidResponse, "found a response of %d bytes, expected at most %d", message.response.length, len(response))
	}
	return int(message.response.length), nil
}
