package main

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/nitroattest/nitroattest/internal/input"
	"github.com/nitroattest/nitroattest/pcr"
)

func newPolicy(std stdio) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "policy",
		Short: "Make, show, compare and convert policies",
		Args:  needCommand,
		RunE: func(*cobra.Command, []string) error {
			return hintf(errors.New("policy: no command given"), "nitroattest policy --help lists the commands")
		},
	}
	cmd.AddCommand(newPolicyCreate(std), newPolicyShow(std), newPolicyKMS(std), newPolicyDiff(std), newPolicySign(std), newPolicyInspect(std))
	return cmd
}

// kindFlag is the kind of documents that a policy is for. Empty: the policy
// says it.
type kindFlag string

func (k *kindFlag) register(cmd *cobra.Command) {
	cmd.Flags().StringVar((*string)(k), "kind", "", "kind of document the policy is for, `enclave` or nitrotpm; without it, as the policy says")
}

func (k kindFlag) isNitroTPM() bool { return k == kindFlag(pcr.NitroTPM) }

func (k kindFlag) check() error {
	if pcr.Kind(k).Validate() != nil {
		return fmt.Errorf("--kind: found %q, expected %q or %q", string(k), pcr.Enclave, pcr.NitroTPM)
	}
	return nil
}

// parse reads a policy in any of its forms.
func (k kindFlag) parse(data []byte) (pcr.Reading, error) {
	content, ok, err := input.FromDataURL(data)
	if err != nil {
		return pcr.Reading{}, err
	}
	if ok {
		data = content
	}
	return pcr.Read(bytes.NewReader(data), pcr.Kind(k))
}

// maxPolicy is one byte more than package pcr takes.
const maxPolicy = 1<<20 + 1

// read reads a policy file, or standard input for -. What was found in it and
// does not count is a warning.
func (k kindFlag) read(name string, std stdio) (pcr.Reading, error) {
	data, err := std.read(name, maxPolicy)
	if err != nil {
		return pcr.Reading{}, fmt.Errorf("%s: %w", name, err)
	}
	reading, err := k.parse(data)
	if err != nil {
		return pcr.Reading{}, signedHint(data, fmt.Errorf("%s: %w", name, err))
	}
	warnOfPolicy(name, reading, std)
	return reading, nil
}

func warnOfPolicy(name string, reading pcr.Reading, std stdio) {
	for _, warning := range reading.Warnings {
		printWarning(std.err, name+": "+warning)
	}
}

// signedHint adds advice where a signed policy stands in the place of a plain
// one: its content is never taken without its signatures.
func signedHint(data []byte, err error) error {
	if !isSigned(data) {
		return err
	}
	return hintf(err, "this is a signed policy: --policy-keys says whose signatures count, and policy inspect shows it")
}

func newPolicyShow(std stdio) *cobra.Command {
	var asJSON bool
	var kind kindFlag
	cmd := &cobra.Command{
		Use:   "show FILE",
		Short: "Show which images a policy accepts",
		Long: `Show reads a policy in any form that verify --policy takes and prints its images.
With --json it prints the policy in the project's own form, so that the output
of nitro-cli or a KMS condition can be converted. - is standard input.`,
		Args: needOne("FILE"),
		RunE: func(_ *cobra.Command, args []string) error {
			if err := kind.check(); err != nil {
				return err
			}
			reading, err := kind.read(args[0], std)
			if err != nil {
				return err
			}
			policy := reading.Policy
			if asJSON {
				return printJSON(std.out, policy)
			}
			var out bytes.Buffer
			fmt.Fprintf(&out, "POLICY  %s  %s\n", printable(args[0]), countImages(policy))
			for _, image := range policy.Images {
				line(&out, "image", image.Name)
				if image.Source != "" {
					line(&out, "source", image.Source)
				}
				writeRegisters(&out, image.PCRs, policy.Kind.Describe)
				for _, register := range image.Exchange {
					line(&out, fmt.Sprintf("PCR%d", register), "expected in each exchange")
				}
			}
			return printOut(std.out, out.Bytes())
		},
	}
	kind.register(cmd)
	cmd.Flags().BoolVar(&asJSON, "json", false, "print the policy as policy JSON")
	return cmd
}

func countImages(policy pcr.Policy) string {
	if len(policy.Images) == 1 {
		return "one image, all of whose registers have to match"
	}
	return fmt.Sprintf("%d images, any one of which has to match as a whole", len(policy.Images))
}
