package uki

import (
	"crypto/sha512"
	"encoding/hex"
	"hash"
	"io"
)

// Digest is a SHA-384 digest that is extended into a register. Its text form
// is 96 lower-case hex digits.
type Digest [sha512.Size384]byte

// String returns the digest as 96 lower-case hex digits.
func (d Digest) String() string { return hex.EncodeToString(d[:]) }

// MarshalText implements [encoding.TextMarshaler] with the form of String.
func (d Digest) MarshalText() ([]byte, error) { return hex.AppendEncode(nil, d[:]), nil }

// blockSize is how much of a file is in memory at a time.
const blockSize = 64 << 10

// Authenticode returns the Authenticode digest of a PE file of size bytes, with
// SHA-384: what firmware extends into PCR4 when it loads the file. The error is
// an [*Error].
//
// The steps are those of Microsoft's "Windows Authenticode Portable Executable
// Signature Format", "Calculating the PE Image Hash".
func Authenticode(r io.ReaderAt, size int64) (Digest, error) {
	p, err := parsePE("image", r, size)
	if err != nil {
		return Digest{}, err
	}
	return p.digest()
}

func (p *portableExecutable) digest() (Digest, error) {
	h, block := sha512.New384(), make([]byte, blockSize)
	for _, s := range p.hashed() {
		if err := p.hash(h, s, block); err != nil {
			return Digest{}, err
		}
	}
	var d Digest
	h.Sum(d[:0])
	return d, nil
}

// hashed returns what the digest covers, in order. The rules on sections and
// the certificate table make sure that it is no more than the file.
func (p *portableExecutable) hashed() []span {
	spans := []span{
		{0, p.checksum.offset},
		{p.checksum.end(), p.directory.offset - p.checksum.end()},
		{p.directory.end(), p.headers - p.directory.end()},
	}
	sum := p.headers
	for _, s := range p.inFile() {
		spans = append(spans, s.data)
		sum += s.data.size
	}
	return append(spans, span{sum, p.size - p.certificates.size - sum})
}

func (p *portableExecutable) hash(h hash.Hash, s span, block []byte) error {
	n, err := io.CopyBuffer(h, io.NewSectionReader(p.r, s.offset, s.size), block)
	if err == nil && n < s.size {
		err = io.EOF
	}
	if err != nil {
		return p.unreadable(s.offset+n, err)
	}
	return nil
}

// gaps returns how many bytes lie between the headers, the sections and what
// follows them.
func (p *portableExecutable) gaps() int64 {
	end, gaps := p.headers, int64(0)
	for _, s := range p.inFile() {
		gaps += s.data.offset - end
		end = s.data.end()
	}
	return gaps
}
