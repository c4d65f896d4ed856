package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/pflag"

	"github.com/nitroattest/nitroattest/internal/input"
	"github.com/nitroattest/nitroattest/pcr"
	"github.com/nitroattest/nitroattest/pcr/eif"
	"github.com/nitroattest/nitroattest/pcr/rootfs"
)

// containerFlags say which container image to take, and what boots it.
type containerFlags struct {
	image, blobs, name, platform string
	allowIrreproducible          bool

	changed func(name string) bool
}

func (f *containerFlags) register(flags *pflag.FlagSet) {
	flags.StringVar(&f.image, "oci", "", "container image `IMAGE`: an OCI image layout or what docker save wrote, a directory or an archive")
	f.registerChoice(flags)
}

// registerChoice is for commands that are told otherwise where the image is.
func (f *containerFlags) registerChoice(flags *pflag.FlagSet) {
	flags.StringVar(&f.blobs, "blobs", "", "`DIR` with nitro-cli's kernel, cmdline, init and nsm.ko, as in /usr/share/nitro_enclaves/blobs")
	flags.StringVar(&f.name, "oci-image", "", "`NAME` of the container image in an archive of several: a tag or a digest")
	flags.StringVar(&f.platform, "oci-platform", "", "`PLATFORM` of the container image where it has several: linux/amd64 or linux/arm64")
	flags.BoolVar(&f.allowIrreproducible, "allow-irreproducible", false, "measure a container image that nitro-cli builds differently each time, or with each version of Docker")
	f.changed = flags.Changed
}

// choices are the flags that mean nothing without a container image.
var choices = []string{"blobs", "oci-image", "oci-platform", "allow-irreproducible"}

// refuse names a flag that was given without a container image.
func (f *containerFlags) refuse() error {
	for _, name := range choices {
		if f.changed(name) {
			return fmt.Errorf("--%s: given without --oci", name)
		}
	}
	return nil
}

// container is a container image with what boots it.
type container struct {
	*rootfs.Set
	file  string
	blobs *blobs // nil: PCR2 is all there is to know
}

// open reads the image; err names it after the flag.
func (f *containerFlags) open(std stdio) (*container, error) {
	c, err := f.openFile(f.image, std)
	if err != nil {
		return nil, fmt.Errorf("--oci: %w", err)
	}
	return c, nil
}

func (f *containerFlags) openFile(file string, std stdio) (*container, error) {
	c := &container{file: file}
	config := rootfs.Config{Image: f.name, Platform: f.platform, InsecureAllowIrreproducible: f.allowIrreproducible}
	if f.changed("blobs") {
		boot, err := readBoot(f.blobs)
		if err != nil {
			return nil, fmt.Errorf("--blobs: %w", err)
		}
		config.Boot = boot
	}
	p := newProgressOfOne(std)
	defer p.clear()
	config.Progress = func(read, total int64) {
		p.show("%s: %s", printable(filepath.Base(file)), bar(read, total))
	}
	var err error
	if c.Set, err = openContainer(file, config, std); err != nil {
		return nil, fmt.Errorf("%s: %w", file, hintContainer(err))
	}
	p.clear()
	for _, warning := range c.Warnings {
		printWarning(std.err, fmt.Sprintf("%s: %v", file, warning))
	}
	if f.changed("blobs") {
		if c.blobs, err = openBlobs(f.blobs, c.Architecture); err != nil {
			c.Close()
			return nil, fmt.Errorf("--blobs: %w", err)
		}
	}
	return c, nil
}

// openContainer takes an archive or a directory. The archive stays open as
// long as the set.
func openContainer(file string, config rootfs.Config, std stdio) (*rootfs.Set, error) {
	if isDirectory(file) {
		return rootfs.OpenDir(os.DirFS(file), config)
	}
	archive, size, err := openImage(file, std)
	if err != nil {
		return nil, err
	}
	set, err := rootfs.Open(archive, size, config)
	if err != nil {
		archive.Close()
		return nil, err
	}
	set.CloseWith(archive)
	return set, nil
}

// hintContainer adds what to do about some errors.
func hintContainer(err error) error {
	var of *rootfs.Error
	if !errors.As(err, &of) {
		return err
	}
	switch {
	case of.Reason == rootfs.ImageAmbiguous:
		return hintf(err, "--oci-image and --oci-platform name one")
	case of.Reason == rootfs.MissingParent:
		return hintf(err, "nitro-cli measures this image differently each time; COPY the whole directory in the Dockerfile, or allow it with --allow-irreproducible")
	case of.Reason == rootfs.WorkingDirMissing:
		return hintf(err, "nitro-cli measures this image differently each time; RUN mkdir for WORKDIR in the Dockerfile, or allow it with --allow-irreproducible")
	case of.Reason.Irreproducible():
		return hintf(err, "nitro-cli does not always measure this image alike; --allow-irreproducible measures it with a warning")
	default:
		return err
	}
}

// bar shows how far long work has come.
func bar(done, total int64) string {
	const width = 24
	part := 0
	if total > 0 {
		part = int(min(done, total) * width / total)
	}
	return fmt.Sprintf("[%s%s] %d of %d MiB", strings.Repeat("#", part), strings.Repeat(" ", width-part), done>>20, total>>20)
}

// measure returns PCR0, PCR1 and PCR2, or PCR2 alone without blobs.
func (c *container) measure(std stdio) (pcr.Bank, error) {
	defer newProgressOfOne(std).showMeanwhile(printable(filepath.Base(c.file)) + ": hashing")()
	if c.blobs == nil {
		value, err := c.MeasureApplication()
		if err != nil {
			return nil, fmt.Errorf("%s: %w", c.file, err)
		}
		return pcr.Bank{pcr.RegisterApplication: value}, nil
	}
	bank, err := c.Measure(c.blobs.kernel, c.blobs.commandLine)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", c.file, err)
	}
	return bank, nil
}

// title is what a policy calls the image.
func (c *container) title() string {
	if c.Name != "" {
		return c.Name
	}
	return filepath.Base(c.file)
}

func (c *container) Close() error {
	if c.blobs != nil {
		c.blobs.file.Close()
	}
	return c.Set.Close()
}

// blobs are the files that nitro-cli puts beside the ramdisks.
type blobs struct {
	file        *os.File
	kernel      eif.Content
	commandLine string
	system      string // the operating system and the version of the kernel, by
	version     string // its configuration; "Unknown" as nitro-cli writes it
}

// Limits on files that are held in memory: AWS's are 1 MiB together.
const (
	maxBootFile    = 64 << 20
	maxCommandLine = 64 << 10
)

func readBoot(dir string) (boot rootfs.Boot, err error) {
	for name, into := range map[string]*[]byte{"init": &boot.Init, "nsm.ko": &boot.NSM} {
		file := filepath.Join(dir, name)
		if *into, err = input.Read(file, nil, maxBootFile); err != nil {
			return boot, fmt.Errorf("%s: %w", file, err)
		}
		if len(*into) == 0 {
			return boot, fmt.Errorf("%s: empty, expected the file that nitro-cli installs", file)
		}
	}
	return boot, nil
}

func openBlobs(dir string, architecture eif.Architecture) (*blobs, error) {
	kernel := "bzImage"
	if architecture == eif.AArch64 {
		kernel = "Image"
	}
	file := filepath.Join(dir, "cmdline")
	commandLine, err := input.Read(file, nil, maxCommandLine)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	b := &blobs{commandLine: rootfs.TrimCommandLine(string(commandLine))}
	file = filepath.Join(dir, kernel+".config")
	if b.system, b.version, err = readKernelConfig(file); err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	file = filepath.Join(dir, kernel)
	opened, size, err := openImage(file, stdio{})
	if err != nil {
		return nil, hintf(fmt.Errorf("%s: %w", file, err), "the image is for %s, whose kernel is called %s", architecture, kernel)
	}
	b.file, b.kernel = opened, io.NewSectionReader(opened, 0, size)
	return b, nil
}

// readKernelConfig reads the third line of the kernel's configuration,
// "# Linux/x86_64 4.14.177-104.253.amzn2.x86_64 Kernel Configuration", and
// splits it as nitro-cli does. Only the metadata of an image file have it; an
// installation without the file is fine.
func readKernelConfig(name string) (system, version string, err error) {
	system, version = "Unknown", "Unknown"
	file, err := input.Open(name)
	if errors.Is(err, os.ErrNotExist) {
		return system, version, nil
	}
	if err != nil {
		return "", "", err
	}
	defer file.Close()
	lines := bufio.NewScanner(file)
	for range 3 {
		lines.Scan()
	}
	words := strings.FieldsFunc(strings.ReplaceAll(lines.Text(), "  ", " "), func(r rune) bool { return strings.ContainsRune(" /-", r) })
	if len(words) > 3 {
		system, version = words[1], words[3]
	}
	return system, version, lines.Err()
}
