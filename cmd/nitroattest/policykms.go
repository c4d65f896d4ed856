package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/nitroattest/nitroattest/cmd/nitroattest/internal/keypolicy"
	"github.com/nitroattest/nitroattest/pcr"
)

// isPrincipalARN reports whether arn is one that a key policy may name: of a user,
// a role, an account. "*" is none: it stands for everyone.
func isPrincipalARN(arn string) bool {
	service, _, ok := cutARN(arn)
	return ok && (service == "iam" || service == "sts")
}

// maxKeyPolicy is what AWS KMS takes, in bytes (AWS KMS Developer Guide,
// "Resource quotas").
const maxKeyPolicy = 32 << 10

func newPolicyKMS(std stdio) *cobra.Command {
	var kind kindFlag
	var vouched voucherFlags
	var options keypolicy.Options
	cmd := &cobra.Command{
		Use:   "kms FILE",
		Short: "Print the statements of an AWS KMS key policy that accept a policy's images",
		Long: `Kms prints a policy in any form that verify --policy takes as statements of an
AWS KMS key policy, which let a key be used for the images and no others. Copy
them into the policy of the key, beside the statement for its administrators.

In a condition all keys have to hold, and of the values of one key any will do:
a statement accepts every combination. So images that differ in one register
only share a statement, with a list for that register, and each other image has
one of its own; a single statement for all would accept a mix of them. Any
statement is enough for AWS KMS to allow.

A verifier refuses enclaves in debug mode by itself, AWS KMS does not: a statement
for images that do not list PCR0, PCR1 or PCR2 also asks that these are not zero.
--deny-otherwise adds statements that deny everyone else, which no other statement
can widen; AWS's samples recommend that.

--principal is the role of the parent instance. Without it the statements have
no Principal, which a key policy needs and an IAM policy must not have.
--action takes the operations that answer to an attestation document; without
it they are kms:Decrypt and kms:GenerateDataKey. AWS KMS checks an attestation
document only where a request has one, and with this condition allows no other.

With --policy-keys FILE is a signed policy. AWS KMS knows no end of a policy:
take the statements out of the key's policy when the signed one expires.`,
		Example: `  nitroattest policy kms --principal arn:aws:iam::123456789012:role/Webserver policy.json`,
		Args:    needOne("FILE"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := kind.check(); err != nil {
				return err
			}
			if cmd.Flags().Changed("principal") && !isPrincipalARN(options.Principal) {
				return fmt.Errorf("--principal: found %q, expected an ARN, arn:aws:iam::123456789012:role/Webserver for example", options.Principal)
			}
			for i, action := range options.Actions {
				if !slices.Contains(keypolicy.Actions, action) {
					return fmt.Errorf("--action: found %q, expected one of %s", action, strings.Join(keypolicy.Actions, ", "))
				}
				if slices.Contains(options.Actions[:i], action) {
					return fmt.Errorf("--action: %s is given twice", action)
				}
			}
			policy, err := vouched.readFile(args[0], kind, std)
			if err != nil {
				return err
			}
			warnOfKeyPolicy(std, args[0], policy)
			document := keypolicy.New(policy, options)
			if size := document.Size(); size > maxKeyPolicy {
				printWarning(std.err, fmt.Sprintf("the statements have %d bytes without white space, and AWS KMS takes key policies of at most %d", size, maxKeyPolicy))
			}
			return printJSON(std.out, document)
		},
	}
	kind.register(cmd)
	vouched.register(cmd)
	cmd.Flags().StringVar(&options.Principal, "principal", "", "`ARN` of who may use the key")
	cmd.Flags().StringArrayVar(&options.Actions, "action", nil, "operation to allow, kms:Decrypt for example; repeat for more")
	cmd.Flags().BoolVar(&options.DenyOtherwise, "deny-otherwise", false, "add statements that deny what does not match, whoever else allows it")
	return cmd
}

// warnOfKeyPolicy says what AWS KMS does not check that a verifier does.
func warnOfKeyPolicy(std stdio, name string, policy pcr.Policy) {
	for _, image := range policy.Images {
		if keypolicy.NeedsDebugCheck(policy.Kind, image) {
			printWarning(std.err, fmt.Sprintf("%s: image %q lists none of PCR0, PCR1 and PCR2: the statement asks that they are not zero, or AWS KMS would take an enclave in debug mode", name, image.Name))
		}
		if len(image.Exchange) > 0 {
			printWarning(std.err, fmt.Sprintf("%s: image %q has registers that each exchange expects, which AWS KMS does not know", name, image.Name))
		}
	}
}
