package uki

import (
	"errors"
	"fmt"
	"io"

	"github.com/nitroattest/nitroattest/pcr"
)

// KernelLoad says whether the stub of an image has the firmware load the
// kernel, which then measures it into PCR4.
type KernelLoad string

// The ways a stub can start the kernel.
const (
	KernelByStub      KernelLoad = "" // as the systemd-stub in the image has it
	KernelMeasured    KernelLoad = "measured"
	KernelNotMeasured KernelLoad = "not-measured"
)

// Options say what Measure cannot read from the image. The zero value is for an
// instance without Secure Boot and without Secure Boot variables, which is what
// an AMI without UefiData starts.
type Options struct {
	SecureBoot *SecureBoot // nil: off, and PK, KEK, db and dbx are empty
	Kernel     KernelLoad  // counts against what the image says of its stub too
}

// Image is what an instance attests to that starts the image.
type Image struct {
	Measurements   pcr.Bank // registers 4, 7, 12 and 13; the last two are zero
	Events         []Event  // of PCR4, then of PCR7, each in the order of extension
	Warnings       []Warning
	Stub           string // as the image names it, "systemd-stub 252.39-1" for example, or empty
	KernelMeasured bool   // whether PCR4 has an event for the kernel
}

// Measure reads the unified kernel image of size bytes in r and returns the
// registers of an instance whose firmware starts it, under the options. An
// Image is returned only without an error; the error is an [*Error] that names
// the [Reason] which image or options break.
//
// The image may be of any size: Measure holds a block of it in memory, besides
// its section table and, under Secure Boot, a certificate table of at most
// [MaxCertificates] bytes. What r returns must not change meanwhile.
func Measure(r io.ReaderAt, size int64, o Options) (*Image, error) {
	db, err := o.validate()
	if err != nil {
		return nil, err
	}
	image, err := parsePE("image", r, size)
	if err != nil {
		return nil, err
	}
	result := &Image{}
	if result.Stub, err = image.stubName(); err != nil {
		return nil, err
	}
	kernel, doubt, err := image.kernel(result.Stub, o)
	if err != nil {
		return nil, err
	}
	images := []*portableExecutable{image}
	if kernel != nil {
		images = append(images, kernel)
		result.KernelMeasured = true
	}
	loaded, err := loadAll(images, o.SecureBoot, db)
	if doubt != "" {
		return nil, kernelUnknown(doubt, o.SecureBoot, loaded, err)
	}
	if err != nil {
		return nil, err
	}
	result.Events = allEvents(o.SecureBoot, loaded)
	result.Measurements = replay(result.Events)
	for _, i := range images {
		result.Warnings = append(result.Warnings, i.warnings()...)
	}
	return result, nil
}

// validate also returns the entries of db.
func (o Options) validate() (db []signatureData, err error) {
	switch o.Kernel {
	case KernelByStub, KernelMeasured, KernelNotMeasured:
	default:
		return nil, &Error{Reason: InvalidOption, Where: "options", Detail: fmt.Sprintf("found Kernel %q, expected %q, %q or none", o.Kernel, KernelMeasured, KernelNotMeasured)}
	}
	return o.SecureBoot.validate()
}

// loaded is an image that the firmware loads.
type loaded struct {
	name      string
	digest    Digest
	authority []byte // EFI_SIGNATURE_DATA of db; nil without Secure Boot
}

// loadAll returns the images before the first that the firmware does not load
// beside the error.
func loadAll(images []*portableExecutable, s *SecureBoot, db []signatureData) ([]loaded, error) {
	var all []loaded
	for _, i := range images {
		var authority []byte
		var err error
		if s != nil {
			if authority, err = i.authority(s.Authority, db); err != nil {
				return all, err
			}
		}
		digest, err := i.digest()
		if err != nil {
			return all, err
		}
		all = append(all, loaded{i.where, digest, authority})
	}
	return all, nil
}

func allEvents(s *SecureBoot, images []loaded) []Event {
	return append(bootEvents(images), secureBootEvents(s, images)...)
}

// kernelUnknown returns the error of an image whose kernel may or may not be
// measured, from what loadAll returned of image and kernel.
func kernelUnknown(doubt string, s *SecureBoot, images []loaded, err error) error {
	if len(images) == 0 || err != nil && !errors.Is(err, AuthorityUnknown) {
		return err
	}
	e := &Error{Reason: KernelUnknown, Where: "image", NotMeasured: replay(allEvents(s, images[:1]))}
	without := e.NotMeasured[pcr.RegisterBootLoader]
	if err != nil {
		e.Detail = fmt.Sprintf("%s; say whether the kernel is measured: PCR4 is %v if it is not, and if it is, that takes more", doubt, without)
		e.Err = err
		return e
	}
	e.Measured = replay(allEvents(s, images))
	e.Detail = fmt.Sprintf("%s; say whether the kernel is measured: PCR4 is %v if it is, %v if it is not", doubt, e.Measured[pcr.RegisterBootLoader], without)
	return e
}

func (p *portableExecutable) warnings() []Warning {
	gaps := p.gaps()
	if gaps == 0 {
		return nil
	}
	return []Warning{{Gap, fmt.Sprintf("%d bytes of the %s lie between its sections: they are in no register, and tools that sign may find another digest", gaps, p.where)}}
}
