package rootfs

import (
	"crypto/sha512"
	"hash"
	"io"
	"strings"
	"sync"

	"github.com/nitroattest/nitroattest/pcr"
	"github.com/nitroattest/nitroattest/pcr/eif"
)

// MeasureApplication returns PCR2 of an enclave with this application ramdisk,
// which says nothing of kernel, command line and boot ramdisk.
func (s *Set) MeasureApplication() (pcr.Value, error) {
	h := sha512.New384()
	if err := s.hash(h, s.Application); err != nil {
		return pcr.Value{}, err
	}
	return pcr.Value{}.Extend(h.Sum(nil)), nil
}

// Measure returns PCR0, PCR1 and PCR2 of an enclave with these ramdisks. The
// command line is measured as nitro-cli has it: without white space at both
// ends. The set needs a boot ramdisk.
func (s *Set) Measure(kernel eif.Content, commandLine string) (pcr.Bank, error) {
	image, boot, application := sha512.New384(), sha512.New384(), sha512.New384()
	for _, content := range []eif.Content{kernel, strings.NewReader(TrimCommandLine(commandLine)), s.Boot} {
		if err := s.hash(io.MultiWriter(image, boot), content); err != nil {
			return nil, err
		}
	}
	// Reading costs little beside hashing, which then takes two cores.
	var failed [2]error
	var running sync.WaitGroup
	for i, h := range []hash.Hash{image, application} {
		running.Go(func() { failed[i] = s.hash(h, s.Application) })
	}
	running.Wait()
	for _, err := range failed {
		if err != nil {
			return nil, err
		}
	}
	return pcr.Bank{
		pcr.RegisterImage:       pcr.Value{}.Extend(image.Sum(nil)),
		pcr.RegisterKernel:      pcr.Value{}.Extend(boot.Sum(nil)),
		pcr.RegisterApplication: pcr.Value{}.Extend(application.Sum(nil)),
	}, nil
}

// TrimCommandLine removes the white space that nitro-cli removes from the file
// cmdline of its blobs.
func TrimCommandLine(text string) string { return strings.TrimSpace(text) }

func (s *Set) hash(w io.Writer, content eif.Content) error {
	size := content.Size()
	if size < 0 {
		return &Error{Reason: InvalidBoot, Image: s.Name, Detail: "the image was opened without init and nsm.ko"}
	}
	buf := make([]byte, readBuffer)
	_, err := io.CopyBuffer(w, struct{ io.Reader }{io.NewSectionReader(content, 0, size)}, buf)
	if err != nil {
		return &Error{Reason: Unreadable, Image: s.Name, Detail: "cannot be read", Err: err}
	}
	return nil
}
