package rootfs

import (
	"encoding/json"
	"errors"
	"io"
	"io/fs"

	"github.com/nitroattest/nitroattest/pcr/eif"
)

// MaxEntries is how many entries, and directories that they imply, the layers
// of an image may have together.
const MaxEntries = 1 << 21

var maxEntries = MaxEntries // less in a test

// Boot holds the files of the boot ramdisk, which nitro-cli installs in
// /usr/share/nitro_enclaves/blobs. They have to be of the version of nitro-cli
// whose registers are to be computed.
type Boot struct {
	Init []byte // the file init
	NSM  []byte // the file nsm.ko
}

// Config says which image of an archive to take, and what for. The zero Config
// takes the only image there is and makes no boot ramdisk.
type Config struct {
	Boot Boot // empty: no boot ramdisk

	// Image names the image where there is more than one: a tag, or the digest
	// of a manifest or configuration. An image of another name is not taken,
	// also where there is only one.
	Image string
	// Platform names the platform where the image has more than one:
	// "linux/amd64" or "linux/arm64". An image for another one is not taken.
	Platform string

	// InsecureAllowIrreproducible turns the refusals for which
	// [Reason.Irreproducible] is true into warnings. The ramdisks are then
	// those of one engine, see the package documentation; where they depend on
	// the clock, no builder makes the same ones.
	InsecureAllowIrreproducible bool

	TempDir  string                  // for intermediate data; empty: as os.CreateTemp has it
	Progress func(read, total int64) // told of the bytes of layers as they are stored; may be nil
}

// Set holds what nitro-cli build-enclave makes of a container image.
type Set struct {
	Boot        *Ramdisk // nil without Config.Boot
	Application *Ramdisk

	Architecture eif.Architecture
	Name         string   // as the archive calls the image; empty if it does not
	ImageID      string   // the digest of the configuration, Docker's ID of the image
	Layers       []string // diff IDs, the lowest first
	Config       json.RawMessage
	Warnings     []Warning

	closers []io.Closer
}

// Close removes intermediate data. The ramdisks cannot be read afterwards.
func (s *Set) Close() error {
	var all []error
	for _, c := range s.closers {
		all = append(all, c.Close())
	}
	s.closers = nil
	return errors.Join(all...)
}

// CloseWith makes Close close something else, too: the file that the image is
// read from, for example.
func (s *Set) CloseWith(c io.Closer) { s.closers = append(s.closers, c) }

// Ramdisks makes the ramdisks of the container image of size bytes in image:
// an OCI image layout in a tar archive, or what docker save writes, either of
// them compressed with gzip or zstd or not. There has to be exactly one image
// for exactly one platform in it; [Open] takes one of several. boot is
// required.
//
// A Set is returned only without an error; the error is an [*Error]. The
// contents of image must not change as long as the Set is in use. Close the
// Set after use.
func Ramdisks(image io.ReaderAt, size int64, boot Boot) (*Set, error) {
	if len(boot.Init) == 0 && len(boot.NSM) == 0 {
		return nil, &Error{Reason: InvalidBoot, Detail: "found neither init nor nsm.ko, expected both"}
	}
	return Open(image, size, Config{Boot: boot})
}

// Open is Ramdisks for whoever has more to say. Without Config.Boot there is
// no boot ramdisk.
func Open(image io.ReaderAt, size int64, c Config) (*Set, error) {
	return c.build(func(b *builder) (files, error) { return b.openArchive(image, size) })
}

// OpenDir is Open for an OCI image layout, or an unpacked docker save archive,
// in a directory. Its files have to implement [io.ReaderAt], as those of
// [os.DirFS] do.
func OpenDir(dir fs.FS, c Config) (*Set, error) {
	return c.build(func(b *builder) (files, error) { return newDirectory(b, dir) })
}

func (c Config) build(open func(*builder) (files, error)) (set *Set, err error) {
	if err := c.Boot.check(); err != nil {
		return nil, err
	}
	b := &builder{config: c, set: &Set{}, warned: map[Reason]int{}}
	defer func() {
		if err != nil {
			b.set.Close()
			set = nil
		}
	}()
	archive, err := open(b)
	if err != nil {
		return nil, err
	}
	b.opening = archive
	image, err := b.choose(archive)
	if err != nil {
		return nil, err
	}
	b.image = image.title()
	if err := b.describe(image); err != nil {
		return nil, err
	}
	root, err := b.flatten(image)
	if err != nil {
		return nil, err
	}
	if err := b.contain(root, image); err != nil {
		return nil, err
	}
	if b.set.Application, err = b.application(root, image); err != nil {
		return nil, err
	}
	if len(c.Boot.Init) > 0 {
		b.set.Boot = bootRamdisk(c.Boot)
	}
	return b.set, nil
}

func (b Boot) check() error {
	switch {
	case (len(b.Init) == 0) == (len(b.NSM) == 0):
		return nil
	case len(b.Init) == 0:
		return &Error{Reason: InvalidBoot, Detail: "found nsm.ko without init, expected both"}
	default:
		return &Error{Reason: InvalidBoot, Detail: "found init without nsm.ko, expected both"}
	}
}

// builder makes one Set.
type builder struct {
	config  Config
	set     *Set
	opening files
	image   string // its title, for errors

	layer  int // being read, from 1
	digest string

	spool       *spool
	entries     int
	warned      map[Reason]int // index in set.Warnings
	read, total int64
}

// fail makes an error of the place where the builder is.
func (b *builder) fail(reason Reason, path, detail string, cause error) error {
	return &Error{Reason: reason, Image: b.image, Layer: b.layer, Digest: b.digest, Path: path, Detail: detail, Err: cause}
}

// warn adds a warning, or counts one like it.
func (b *builder) warn(reason Reason, path, detail string) {
	if at, ok := b.warned[reason]; ok {
		b.set.Warnings[at].Count++
		return
	}
	b.warned[reason] = len(b.set.Warnings)
	b.set.Warnings = append(b.set.Warnings, Warning{Reason: reason, Layer: b.layer, Digest: b.digest, Path: path, Count: 1, Detail: detail})
}

// irreproducible refuses, or warns where that was asked for.
func (b *builder) irreproducible(reason Reason, path, detail string) error {
	if !b.config.InsecureAllowIrreproducible {
		return b.fail(reason, path, detail, nil)
	}
	b.warn(reason, path, detail)
	return nil
}
