package main

import (
	"crypto"
	"errors"
	"fmt"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/nitroattest/nitroattest/internal/input"
	"github.com/nitroattest/nitroattest/pcr/signedpolicy"
)

type policySign struct {
	std               stdio
	kind              kindFlag
	keys              []string
	signer, signerKey string
	name              string
	version           uint64
	issued, expires   string
	subjects, revoked []string
	add, predicate    bool
	output            string

	changed func(name string) bool
}

func newPolicySign(std stdio) *cobra.Command {
	c := policySign{std: std}
	cmd := &cobra.Command{
		Use:   "sign --key PEM --name NAME --version N --expires TIME FILE [-o FILE]",
		Short: "Sign a policy, so that a verifier knows who vouches for it and until when",
		Long: `Sign reads a policy in any form that verify --policy takes and writes it as an
in-toto statement in a DSSE envelope, with one signature for each --key.

--name is what verifiers ask for with --policy-name. --version is a number that
goes up with each release of the policy: a verifier with --policy-state never
goes back. --expires is the end, as 2027-02-01T00:00:00Z, or as 90d or 720h from
the beginning. --subject names the image file that the policy is about, whose
SHA-256 is signed with it. --revoke takes an image back by its name.

--append adds a signature to an envelope that somebody else has signed: FILE is
the envelope, and what it says is printed to standard error.

A key is PEM, Ed25519 or ECDSA on P-256 or P-384, as openssl genpkey writes it.
--signer CMD asks a program instead, one that reaches AWS KMS or a PKCS#11
module: it gets the bytes to sign on standard input, unhashed, and writes the
signature to standard output. --signer-key is its public key.

--predicate prints what is signed without a signature, for actions/attest and
cosign attest-blob, which make the statement around it.`,
		Example: `  nitroattest policy sign --key release.pem --name example.com/payments --version 7 --expires 90d policy.json -o policy.signed.json
  nitroattest policy sign --append --key second.pem policy.signed.json -o policy.signed.json`,
		Args: needOne("FILE"),
		RunE: func(_ *cobra.Command, args []string) error { return c.run(args[0]) },
	}
	c.kind.register(cmd)
	flags := cmd.Flags()
	flags.StringArrayVar(&c.keys, "key", nil, "`PEM` file with a private key; repeat for more")
	flags.StringVar(&c.signer, "signer", "", "program `CMD` that signs")
	flags.StringVar(&c.signerKey, "signer-key", "", "`PEM` file with the public key of --signer")
	flags.StringVar(&c.name, "name", "", "`NAME` of the policy")
	flags.Uint64Var(&c.version, "version", 0, "`N` of this release of the policy, 1 or more")
	flags.StringVar(&c.issued, "issued", "", "`TIME` from which on the policy holds, as RFC3339; now without it")
	flags.StringVar(&c.expires, "expires", "", "`TIME` at which the policy ends: RFC3339, or a span like 90d from its beginning")
	flags.StringArrayVar(&c.subjects, "subject", nil, "`FILE` that the policy is about; repeat for more")
	flags.StringArrayVar(&c.revoked, "revoke", nil, "`NAME` of an image that is taken back; repeat for more")
	flags.BoolVar(&c.add, "append", false, "add a signature to the envelope in FILE")
	flags.BoolVar(&c.predicate, "predicate", false, "print what is signed, without a signature")
	flags.StringVarP(&c.output, "output", "o", "", "write to `FILE` in place of standard output")
	c.changed = flags.Changed
	return cmd
}

func (c *policySign) run(file string) error {
	if err := c.check(); err != nil {
		return err
	}
	if c.predicate {
		statement, err := c.statement(file)
		if err != nil {
			return err
		}
		predicate, err := signedpolicy.MarshalPredicate(statement)
		if err != nil {
			return err
		}
		return c.write(append(predicate, '\n'))
	}
	signers, err := c.signers()
	if err != nil {
		return err
	}
	var envelope []byte
	if c.add {
		envelope, err = c.addTo(file, signers)
	} else {
		var statement signedpolicy.Statement
		if statement, err = c.statement(file); err == nil {
			envelope, err = signedpolicy.Sign(statement, signers...)
		}
	}
	if err != nil {
		return err
	}
	return c.write(envelope)
}

func (c *policySign) check() error {
	if c.add {
		for _, flag := range []string{"name", "version", "issued", "expires", "subject", "revoke", "kind", "predicate"} {
			if c.changed(flag) {
				return fmt.Errorf("--%s: given beside --append, which signs what the envelope says", flag)
			}
		}
	} else {
		for _, flag := range []string{"name", "version", "expires"} {
			if !c.changed(flag) {
				return fmt.Errorf("--%s: missing", flag)
			}
		}
	}
	hasSigner := c.changed("signer") || c.changed("signer-key")
	switch {
	case c.predicate && (len(c.keys) > 0 || hasSigner):
		return errors.New("--predicate: given beside a key, expected none: nothing is signed")
	case c.predicate:
	case hasSigner && !(c.changed("signer") && c.changed("signer-key")):
		return errors.New("--signer and --signer-key: found one of them, expected both: the program and its public key")
	case len(c.keys) == 0 && !hasSigner:
		return hintf(errors.New("no key given, expected --key PEM or --signer CMD"), "openssl genpkey -algorithm ed25519 -out key.pem makes one")
	}
	return c.kind.check()
}

func (c *policySign) signers() ([]crypto.Signer, error) {
	var signers []crypto.Signer
	for _, name := range c.keys {
		data, err := c.std.read(name, maxKeys)
		if err != nil {
			return nil, fmt.Errorf("--key: %s: %w", name, err)
		}
		key, err := signedpolicy.ParsePrivateKey(data)
		if err != nil {
			return nil, hintf(fmt.Errorf("--key: %s: %w", name, err), "a key that is encrypted has to be opened first; --signer CMD uses one that lies elsewhere")
		}
		signers = append(signers, key)
	}
	if c.changed("signer") {
		data, err := c.std.read(c.signerKey, maxKeys)
		if err != nil {
			return nil, fmt.Errorf("--signer-key: %s: %w", c.signerKey, err)
		}
		public, err := signedpolicy.ParsePublicKeys(data)
		if err == nil && len(public) != 1 {
			err = fmt.Errorf("found %d keys, expected one", len(public))
		}
		if err != nil {
			return nil, fmt.Errorf("--signer-key: %s: %w", c.signerKey, err)
		}
		signers = append(signers, &externalSigner{c.signer, public[0], c.std.err})
	}
	return signers, nil
}

func (c *policySign) statement(file string) (signedpolicy.Statement, error) {
	s := signedpolicy.Statement{Name: c.name, Version: c.version, Revoked: c.revoked}
	reading, err := c.kind.read(file, c.std)
	s.Policy = reading.Policy
	if err != nil {
		return s, err
	}
	s.Issued = time.Now().UTC().Truncate(time.Second)
	if c.changed("issued") {
		if s.Issued, err = time.Parse(time.RFC3339, c.issued); err != nil {
			return s, fmt.Errorf("--issued: found %q, expected a time like 2026-11-01T12:00:00Z", c.issued)
		}
	}
	if s.Expires, err = parseEnd(c.expires, s.Issued); err != nil {
		return s, err
	}
	for _, name := range c.subjects {
		subject, err := subjectOf(name)
		if err != nil {
			return s, fmt.Errorf("--subject: %s: %w", name, pathless(err))
		}
		s.Subjects = append(s.Subjects, subject)
	}
	return s, nil
}

// parseEnd takes a time, or a span from the beginning in days or as Go writes
// durations.
func parseEnd(text string, from time.Time) (time.Time, error) {
	if at, err := time.Parse(time.RFC3339, text); err == nil {
		return at, nil
	}
	if days, err := strconv.ParseUint(strings.TrimSuffix(text, "d"), 10, 16); err == nil && strings.HasSuffix(text, "d") {
		return from.AddDate(0, 0, int(days)), nil
	}
	if span, err := time.ParseDuration(text); err == nil {
		return from.Add(span), nil
	}
	return time.Time{}, fmt.Errorf("--expires: found %q, expected a time like 2027-02-01T00:00:00Z or a span like 90d or 720h", text)
}

func subjectOf(name string) (signedpolicy.Subject, error) {
	file, err := input.Open(name)
	if err != nil {
		return signedpolicy.Subject{}, err
	}
	defer file.Close()
	return signedpolicy.SubjectOf(filepath.Base(name), file)
}

// addTo shows what is signed: whoever approves has not made it.
func (c *policySign) addTo(file string, signers []crypto.Signer) ([]byte, error) {
	data, err := c.std.read(file, signedpolicy.MaxEnvelope)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	unverified, err := signedpolicy.ParseUnverified(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	if _, err := c.std.err.Write(describeStatement("SIGNING", file, unverified)); err != nil {
		return nil, err
	}
	return signedpolicy.AddSignatures(data, signers...)
}

func (c *policySign) write(data []byte) error {
	if c.changed("output") {
		return c.std.writeFile(c.output, data)
	}
	return printOut(c.std.out, data)
}
