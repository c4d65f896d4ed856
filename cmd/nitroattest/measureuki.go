package main

import (
	"bytes"
	"errors"
	"fmt"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/nitroattest/nitroattest/pcr"
	"github.com/nitroattest/nitroattest/pcr/uki"
)

// ukiFlags are what a unified kernel image does not say itself.
type ukiFlags struct {
	kernel                      string
	pk, kek, db, dbx, authority string

	changed func(name string) bool
}

var ukiOnly = []string{"kernel", "pk", "kek", "db", "dbx", "authority"}

func (f *ukiFlags) register(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&f.kernel, "kernel", "", "nitrotpm: whether the firmware measures the kernel, `measured` or not-measured; without it, as the stub has it")
	flags.StringVar(&f.pk, "pk", "", "nitrotpm, Secure Boot: `FILE` with the variable PK, as EFI signature lists")
	flags.StringVar(&f.kek, "kek", "", "nitrotpm, Secure Boot: `FILE` with the variable KEK")
	flags.StringVar(&f.db, "db", "", "nitrotpm, Secure Boot: `FILE` with the variable db")
	flags.StringVar(&f.dbx, "dbx", "", "nitrotpm, Secure Boot: `FILE` with the variable dbx")
	flags.StringVar(&f.authority, "authority", "", "nitrotpm, Secure Boot: `FILE` with the entry of db that the image is verified with")
	f.changed = flags.Changed
}

// refuse names a flag that was given for an image of an enclave.
func (f *ukiFlags) refuse() error {
	for _, name := range ukiOnly {
		if f.changed(name) {
			return fmt.Errorf("--%s: given without --kind nitrotpm", name)
		}
	}
	return nil
}

// maxVariable bounds a variable of the firmware, which has some thousand bytes.
const maxVariable = 1 << 20

func (f *ukiFlags) options(std stdio) (uki.Options, error) {
	options := uki.Options{Kernel: uki.KernelLoad(f.kernel)}
	if f.changed("kernel") && options.Kernel != uki.KernelMeasured && options.Kernel != uki.KernelNotMeasured {
		return options, fmt.Errorf("--kernel: found %q, expected %q or %q", f.kernel, uki.KernelMeasured, uki.KernelNotMeasured)
	}
	var boot uki.SecureBoot
	asked := false
	for _, variable := range []struct {
		flag, file string
		into       *[]byte
	}{{"pk", f.pk, &boot.PK}, {"kek", f.kek, &boot.KEK}, {"db", f.db, &boot.DB}, {"dbx", f.dbx, &boot.DBX}, {"authority", f.authority, &boot.Authority}} {
		if !f.changed(variable.flag) {
			continue
		}
		asked = true
		data, err := std.read(variable.file, maxVariable)
		if err != nil {
			return options, fmt.Errorf("--%s: %s: %w", variable.flag, variable.file, err)
		}
		*variable.into = data
	}
	if asked {
		options.SecureBoot = &boot
	}
	return options, nil
}

func measureUKI(name string, flags *ukiFlags, asJSON bool, std stdio) error {
	options, err := flags.options(std)
	if err != nil {
		return err
	}
	file, size, err := openImage(name, std)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	defer file.Close()
	p := newProgressOfOne(std)
	image, err := uki.Measure(&watched{file, func(offset int64) {
		p.show("%s: %d of %d MiB", printable(filepath.Base(name)), offset>>20, size>>20)
	}}, size, options)
	p.clear()
	if err != nil {
		err = fmt.Errorf("%s: %w", name, err)
		if errors.Is(err, uki.KernelUnknown) {
			err = hintf(err, "say so with --kernel, from how the systemd-stub in the image starts its kernel")
		}
		return err
	}
	for _, warning := range image.Warnings {
		printWarning(std.err, fmt.Sprintf("%s: %v", name, warning))
	}
	if asJSON {
		return printJSON(std.out, image.NitroTPM())
	}
	var out bytes.Buffer
	writeUKI(&out, name, image)
	return printOut(std.out, out.Bytes())
}

func writeUKI(b *bytes.Buffer, file string, image *uki.Image) {
	fmt.Fprintf(b, "MEASURED  %s\n", printable(file))
	stub := image.Stub
	if stub == "" {
		stub = "the image does not say"
	}
	line(b, "stub", stub)
	kernel := "not in PCR4: the stub starts it by itself"
	if image.KernelMeasured {
		kernel = "in PCR4: the firmware loads it"
	}
	line(b, "kernel", kernel)
	writeRegisters(b, image.Measurements, pcr.NitroTPM.Describe)
	for _, event := range image.Events {
		line(b, fmt.Sprintf("to PCR%d", event.Register), fmt.Sprintf("%s  %s  %s", event.Digest, event.Type, event.Detail))
	}
}
