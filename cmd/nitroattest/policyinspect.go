package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/nitroattest/nitroattest/pcr/signedpolicy"
)

func newPolicyInspect(std stdio) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "inspect FILE",
		Short: "Show what a signed policy says, without checking who signed it",
		Long: `Inspect shows the statement of a signed policy or of a Sigstore bundle: its
name, version, times, images, files and revoked images. It checks no signature,
so that anybody may have written what it shows. With --json it prints the
statement as it was signed. - is standard input.`,
		Args: needOne("FILE"),
		RunE: func(_ *cobra.Command, args []string) error {
			data, err := std.read(args[0], signedpolicy.MaxEnvelope)
			if err != nil {
				return fmt.Errorf("%s: %w", args[0], err)
			}
			unverified, err := signedpolicy.ParseUnverified(envelopeOf(data))
			if err != nil {
				return fmt.Errorf("%s: %w", args[0], err)
			}
			if asJSON {
				return printJSON(std.out, json.RawMessage(unverified.Payload))
			}
			return printOut(std.out, describeStatement("NOT VERIFIED", args[0], unverified))
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print the statement as JSON")
	return cmd
}

// envelopeOf takes the envelope out of a bundle, and returns anything else as
// it is.
func envelopeOf(data []byte) []byte {
	var bundle struct {
		Envelope json.RawMessage `json:"dsseEnvelope"`
	}
	if json.Unmarshal(data, &bundle) == nil && bundle.Envelope != nil {
		return bundle.Envelope
	}
	return data
}

func describeStatement(word, file string, u *signedpolicy.Unverified) []byte {
	var b bytes.Buffer
	s := u.Statement
	fmt.Fprintf(&b, "%s  %s  %s\n", word, printable(file), countImages(s.Policy))
	line(&b, "name", s.Name)
	line(&b, "version", fmt.Sprint(s.Version))
	line(&b, "issued", s.Issued.Format(time.RFC3339))
	line(&b, "expires", s.Expires.Format(time.RFC3339))
	line(&b, "kind", string(kindOf(s.Policy)))
	line(&b, "signatures", fmt.Sprintf("%d, of whatever keys", u.Signatures))
	for _, subject := range s.Subjects {
		for _, algorithm := range slices.Sorted(maps.Keys(subject.Digest)) {
			line(&b, "subject", fmt.Sprintf("%s %s:%s", subject.Name, algorithm, subject.Digest[algorithm]))
		}
	}
	for _, image := range s.Policy.Images {
		if slices.Contains(s.Revoked, image.Name) {
			continue
		}
		line(&b, "image", image.Name)
		writeRegisters(&b, image.PCRs, kindOf(s.Policy).Describe)
	}
	for _, name := range s.Revoked {
		line(&b, "revoked", name)
	}
	return b.Bytes()
}
