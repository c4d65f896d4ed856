package rootfs

import "io"

// IsRamdisk reports whether r starts as a ramdisk does, compressed or not.
func IsRamdisk(r io.Reader) bool {
	unpacked, _, err := decompress(r)
	if err != nil {
		return false
	}
	head := make([]byte, len(newcMagic))
	_, err = io.ReadFull(unpacked, head)
	return err == nil && string(head) == newcMagic
}
