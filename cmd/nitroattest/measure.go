package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/nitroattest/nitroattest/attestation"
	"github.com/nitroattest/nitroattest/pcr"
	"github.com/nitroattest/nitroattest/pcr/eif"
)

func newMeasure(std stdio) *cobra.Command {
	var asJSON bool
	var kind string
	var forUKI ukiFlags
	var container containerFlags
	cmd := &cobra.Command{
		Use:   "measure (IMAGE | --oci IMAGE)",
		Short: "Compute the registers that an image file leads to",
		Long: `Measure reads an enclave image file (EIF) and prints the registers to which an
enclave attests that boots it: PCR0, PCR1 and PCR2, and PCR8 if the image is
signed. A signature is verified with the certificate beside it; whose that is,
PCR8 has to tell you.

With --oci it reads a container image, an OCI image layout or what docker save
wrote, and prints PCR2 of the enclave image that nitro-cli makes of it; with
--blobs, the directory of nitro-cli's kernel and init, PCR0 and PCR1 too. A
container image that nitro-cli builds differently each time is refused.

With --kind nitrotpm it reads a unified kernel image (UKI) and prints PCR4, PCR7
and PCR12 of an EC2 instance with NitroTPM that boots it: without Secure Boot
unless the variables PK and db are given.

A file that nitro-cli and the hypervisor would read differently is refused.
What departs from the format without changing a register is a warning on
standard error. Exit status: 0 measured; 2 misuse, or the file could not be
read or is no image that can be trusted to measure the same for everyone.`,
		Example: `  nitroattest measure enclave.eif
  nitroattest measure --json enclave.eif > measurements.json
  nitroattest measure --oci image.tar --blobs /usr/share/nitro_enclaves/blobs
  nitroattest measure --kind nitrotpm --json image.efi > measurements.json
  nitroattest verify --policy measurements.json --max-age 5m document.cbor`,
		Args: func(cmd *cobra.Command, args []string) error {
			if cmd.Flags().Changed("oci") {
				if len(args) > 0 {
					return fmt.Errorf("found the argument %q beside --oci, expected one of them", args[0])
				}
				return nil
			}
			return needOne("IMAGE")(cmd, args)
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if cmd.Flags().Changed("oci") {
				if cmd.Flags().Changed("kind") {
					return errors.New("--kind: given beside --oci, which is for enclaves")
				}
				if err := forUKI.refuse(); err != nil {
					return err
				}
				return measureContainer(&container, asJSON, std)
			}
			if err := container.refuse(); err != nil {
				return err
			}
			switch attestation.Kind(kind) {
			case attestation.NitroTPM:
				return measureUKI(args[0], &forUKI, asJSON, std)
			case attestation.Enclave:
			default:
				return fmt.Errorf("--kind: found %q, expected %q or %q", kind, attestation.Enclave, attestation.NitroTPM)
			}
			if err := forUKI.refuse(); err != nil {
				return err
			}
			image, err := measureFile(args[0], std)
			if err != nil {
				return err
			}
			if asJSON {
				return printJSON(std.out, image.NitroCLI())
			}
			var out bytes.Buffer
			writeImage(&out, args[0], image)
			return printOut(std.out, out.Bytes())
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print the measurements as AWS's tools do; verify --policy reads them")
	cmd.Flags().StringVar(&kind, "kind", string(attestation.Enclave), "what boots the image: enclave or nitrotpm")
	forUKI.register(cmd)
	container.register(cmd.Flags())
	return cmd
}

func writeImage(b *bytes.Buffer, file string, image *eif.Image) {
	fmt.Fprintf(b, "MEASURED  %s\n", printable(file))
	line(b, "format", fmt.Sprintf("version %d, %s, %d sections", image.Version, image.Architecture, len(image.Sections)))
	if m := image.Metadata; m != nil {
		line(b, "name", m.ImageName+" "+m.ImageVersion)
		line(b, "built", strings.TrimSpace(fmt.Sprintf("%s by %s %s, kernel %s", m.BuildMetadata.BuildTime, m.BuildMetadata.BuildTool, m.BuildMetadata.BuildToolVersion, m.BuildMetadata.KernelVersion)))
	}
	line(b, "cmdline", image.CommandLine)
	writeRegisters(b, image.Measurements, pcr.Enclave.Describe)
	if s := image.Signature; s != nil {
		line(b, "signed", fmt.Sprintf("%s, certificate %s", s.Algorithm, describeCertificate(s.Certificate)))
	} else {
		line(b, "signed", "no")
	}
}

// writeRegisters prints whole values, for they are there to be compared.
func writeRegisters(b *bytes.Buffer, bank pcr.Bank, describe func(int) string) {
	for _, register := range bank.Registers() {
		line(b, fmt.Sprintf("PCR%d", register), fmt.Sprintf("%s  %s", bank[register], describe(register)))
	}
}

// printJSON writes one value in lines, for people to read too.
func printJSON(w io.Writer, value any) error {
	data, err := json.MarshalIndent(value, "", "  ")
	if err != nil {
		return err
	}
	return printOut(w, append(printableJSON(data), '\n'))
}

func printOut(w io.Writer, data []byte) error {
	if _, err := w.Write(data); err != nil {
		return fmt.Errorf("standard output: %w", err)
	}
	return nil
}

// needOne asks for exactly one argument.
func needOne(what string) cobra.PositionalArgs {
	return func(_ *cobra.Command, args []string) error {
		if len(args) != 1 {
			return fmt.Errorf("found %d arguments, expected one %s", len(args), what)
		}
		return nil
	}
}
