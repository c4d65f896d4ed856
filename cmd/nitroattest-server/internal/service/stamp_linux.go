package service

import (
	"syscall"
	"time"
)

// stamp is what a file system says of a file. The change time moves with every
// change of contents, and no program sets it back.
type stamp struct {
	device, inode uint64
	size          int64
	modified      syscall.Timespec
	changed       syscall.Timespec
}

func stampOf(path string) (stamp, bool) {
	var s syscall.Stat_t
	if err := syscall.Stat(path, &s); err != nil || s.Mode&syscall.S_IFMT != syscall.S_IFREG {
		return stamp{}, false
	}
	return stamp{uint64(s.Dev), s.Ino, s.Size, s.Mtim, s.Ctim}, true
}

// settleTime is far longer than a file system needs for the next change to get
// another time.
const settleTime = 2 * time.Second

// settled reports whether a change that comes after now would show.
func (s stamp) settled(now time.Time) bool {
	return now.Sub(time.Unix(s.changed.Unix())) > settleTime
}
