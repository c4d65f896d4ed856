package uki

import (
	"fmt"
	"strconv"
	"strings"
)

// maxMagic bounds .sdmagic, which holds some 50 bytes.
const maxMagic = 256

// Versions of systemd-stub between which the way it starts the kernel changed.
const (
	stubLoadsImage  = 252 // systemd change 24777
	stubStartsImage = 258 // systemd change 37372
)

// stubName returns the stub that .sdmagic names, "systemd-stub 252.39-1" for
// example, and nothing if there is no such section or it holds something else.
func (p *portableExecutable) stubName() (string, error) {
	at, err := p.content(".sdmagic")
	if err != nil || at.size == 0 {
		return "", err
	}
	if at.size > maxMagic {
		return "", p.errorf(SectionSize, at.offset, "section .sdmagic has %d bytes, expected at most %d", at.size, maxMagic)
	}
	data := make([]byte, at.size)
	if err := p.readFull(data, at.offset); err != nil {
		return "", err
	}
	text := strings.TrimRight(string(data), "\x00")
	text, start := strings.CutPrefix(text, "#### LoaderInfo: ")
	text, end := strings.CutSuffix(text, " ####")
	if !start || !end {
		return "", nil
	}
	return text, nil
}

// kernel returns the kernel if the firmware loads it, else nil. A doubt is why
// that cannot be told; the kernel is then returned too.
func (p *portableExecutable) kernel(stub string, o Options) (kernel *portableExecutable, doubt string, err error) {
	if !p.has(".linux") {
		return nil, "", p.errorf(NoKernel, 0, "no section .linux: of a PE file that is no unified kernel image, PCR4 covers neither initial ramdisk nor command line")
	}
	load := o.Kernel
	if load == KernelByStub {
		load, doubt = kernelLoad(stub, o.SecureBoot != nil)
	}
	if load == KernelNotMeasured {
		return nil, "", nil
	}
	at, err := p.content(".linux")
	if err != nil {
		return nil, "", err
	}
	kernel, err = parsePE("kernel", p.reader(at), at.size)
	if err != nil {
		return nil, "", err
	}
	if doubt == "" && o.Kernel == KernelByStub && kernel.imageVersion == 0 {
		doubt = "the kernel has image version 0, as before Linux 5.8, so that the stub may start it without loading it"
	}
	return kernel, doubt, nil
}

// kernelLoad says from the stub whether the firmware loads the kernel, or why
// that cannot be told.
func kernelLoad(stub string, secureBoot bool) (load KernelLoad, doubt string) {
	if stub == "" {
		return KernelByStub, "the image does not say which stub it has"
	}
	version, ok := strings.CutPrefix(stub, "systemd-stub ")
	digits := version
	if i := strings.IndexFunc(version, func(r rune) bool { return r < '0' || r > '9' }); i >= 0 {
		digits = version[:i]
	}
	number, err := strconv.Atoi(digits)
	switch {
	case !ok || err != nil:
		return KernelByStub, fmt.Sprintf("the image has the stub %q, expected a version of systemd-stub", stub)
	case number < stubLoadsImage:
		return KernelByStub, fmt.Sprintf("the image has the stub %q, and of those before %d systemd says that the firmware does not load the kernel, while AWS's tool measures it", stub, stubLoadsImage)
	case strings.HasPrefix(version, "258~devel"):
		return KernelByStub, fmt.Sprintf("the image has the stub %q, in whose development the firmware ceased to load the kernel", stub)
	case number >= stubStartsImage || secureBoot:
		return KernelNotMeasured, ""
	default:
		return KernelMeasured, ""
	}
}
