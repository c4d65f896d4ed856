package main

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/nitroattest/nitroattest/pcr"
	"github.com/nitroattest/nitroattest/pcr/eif"
)

// measureContainer prints the registers of a container image.
func measureContainer(flags *containerFlags, asJSON bool, std stdio) (err error) {
	c, err := flags.open(std)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, c.Close()) }()
	bank, err := c.measure(std)
	if err != nil {
		return fmt.Errorf("--oci: %w", err)
	}
	if asJSON {
		return printJSON(std.out, nitroCLI(bank))
	}
	var out bytes.Buffer
	writeContainer(&out, c)
	writeRegisters(&out, bank, pcr.Enclave.Describe)
	if c.blobs == nil {
		line(&out, "boots", "with an unknown kernel: --blobs DIR adds PCR0 and PCR1")
	}
	return printOut(std.out, out.Bytes())
}

func writeContainer(b *bytes.Buffer, c *container) {
	fmt.Fprintf(b, "MEASURED  %s\n", printable(c.file))
	line(b, "image", c.title())
	line(b, "id", c.ImageID)
	line(b, "format", fmt.Sprintf("%s, %d layers", c.Architecture, len(c.Layers)))
	if c.blobs != nil {
		line(b, "cmdline", c.blobs.commandLine)
	}
}

// nitroCLI has the registers in nitro-cli's form, which knows no register left
// out.
func nitroCLI(bank pcr.Bank) any {
	if _, ok := bank[pcr.RegisterImage]; ok {
		return (&eif.Image{Measurements: bank}).NitroCLI()
	}
	type measurements struct {
		HashAlgorithm string
		PCR2          pcr.Value
	}
	return struct{ Measurements measurements }{measurements{"Sha384 { ... }", bank[pcr.RegisterApplication]}}
}

// policyOfContainer accepts an enclave that nitro-cli would make of the image.
// Without blobs, PCR1 has to come from elsewhere: PCR2 says nothing of what
// boots, and so nothing that can be relied on.
func (f *appraisalFlags) policyOfContainer(std stdio) (policy pcr.Policy, err error) {
	if f.isNitroTPM() {
		return policy, errors.New("--oci: given beside --kind nitrotpm, expected --policy or --pcr: a container image says nothing of such a document")
	}
	c, err := f.container.open(std)
	if err != nil {
		return policy, err
	}
	defer func() { err = errors.Join(err, c.Close()) }()
	bank, err := c.measure(std)
	if err != nil {
		return policy, fmt.Errorf("--oci: %w", err)
	}
	more, err := registers("--pcr", f.pcrs)
	if err != nil {
		return policy, err
	}
	for register, value := range more {
		if _, ok := bank[register]; ok {
			return policy, fmt.Errorf("--pcr: register %d is given beside --oci, which leads to it", register)
		}
		bank[register] = value
	}
	policy = pcr.Policy{Images: []pcr.Image{{Name: c.title(), PCRs: bank}}}
	err = policy.Validate()
	if err != nil && c.blobs != nil {
		return pcr.Policy{}, fmt.Errorf("--oci: %s: %w", c.file, err)
	}
	if err != nil {
		return pcr.Policy{}, hintf(fmt.Errorf("--oci: %s: PCR2 alone does not say which kernel boots the image", c.file),
			"--blobs DIR measures that of nitro-cli, or --pcr 1=HEX names its register")
	}
	return policy, nil
}
