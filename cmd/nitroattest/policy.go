package main

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/nitroattest/nitroattest/attestation"
	"github.com/nitroattest/nitroattest/pcr"
)

func newPolicy(std stdio) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "policy",
		Short: "Make, show and convert policies",
		Args:  cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			return hintf(errors.New("policy: no command given"), "nitroattest policy --help lists the commands")
		},
	}
	cmd.AddCommand(newPolicyCreate(std), newPolicyShow(std), newPolicyKMS(std), newPolicySign(std), newPolicyInspect(std))
	return cmd
}

// kindFlag is the kind of documents that a policy is for.
type kindFlag string

func (k *kindFlag) register(cmd *cobra.Command) {
	cmd.Flags().StringVar((*string)(k), "kind", string(attestation.Enclave), "kind of document the policy is for: enclave or nitrotpm")
}

func (k kindFlag) isNitroTPM() bool { return k == kindFlag(attestation.NitroTPM) }

func (k kindFlag) check() error {
	if k != kindFlag(attestation.Enclave) && !k.isNitroTPM() {
		return fmt.Errorf("--kind: found %q, expected %q or %q", string(k), attestation.Enclave, attestation.NitroTPM)
	}
	return nil
}

func (k kindFlag) describe() func(int) string {
	return pcr.Kind(k).Describe
}

// parse reads a policy in any of its forms.
func (k kindFlag) parse(data []byte) (pcr.Policy, error) {
	return pcr.Kind(k).ReadPolicy(bytes.NewReader(data))
}

// maxPolicy is one byte more than package pcr takes.
const maxPolicy = 1<<20 + 1

// read reads a policy file, or standard input for -.
func (k kindFlag) read(name string, std stdio) (pcr.Policy, []byte, error) {
	data, err := readBounded(name, std, maxPolicy)
	if err != nil {
		return pcr.Policy{}, nil, fmt.Errorf("%s: %w", name, err)
	}
	policy, err := k.parse(data)
	if err != nil {
		return pcr.Policy{}, nil, signedHint(data, fmt.Errorf("%s: %w", name, err))
	}
	return policy, data, nil
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
			policy, _, err := kind.read(args[0], std)
			if err != nil {
				return err
			}
			if asJSON {
				return printJSON(std.out, policy)
			}
			var out bytes.Buffer
			fmt.Fprintf(&out, "POLICY  %s  %s\n", printable(args[0]), countImages(policy))
			for _, image := range policy.Images {
				line(&out, "image", image.Name)
				writeRegisters(&out, image.PCRs, kind.describe())
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
