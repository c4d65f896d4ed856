package eif

import (
	"fmt"
	"hash/crc32"
)

// checksum computes the CRC-32 over the whole file but for the header field
// that holds it, and looks into the gaps on the way.
type checksum struct {
	crc  uint32
	gaps []gap
}

// add is a sink. The first block holds the whole header.
func (c *checksum) add(offset int64, data []byte) {
	for i := range c.gaps {
		g := &c.gaps[i]
		g.filled = g.filled || !allZero(cut(offset, data, g.start, g.end))
	}
	if offset == 0 {
		c.crc = crc32.Update(c.crc, crc32.IEEETable, data[:crcOffset])
		data = data[headerSize:]
	}
	c.crc = crc32.Update(c.crc, crc32.IEEETable, data)
}

func (c *checksum) check(expected uint32) error {
	if c.crc == expected {
		return nil
	}
	return &Error{Reason: BadCRC, Where: "crc32", Offset: crcOffset,
		Detail: fmt.Sprintf("found %#08x, expected %#08x, which is that of the file: it is damaged or was changed", expected, c.crc)}
}

func allZero(data []byte) bool {
	for _, b := range data {
		if b != 0 {
			return false
		}
	}
	return true
}
