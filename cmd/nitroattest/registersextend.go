package main

import (
	"crypto/sha512"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/nitroattest/nitroattest/internal/input"
	"github.com/nitroattest/nitroattest/pcr"
)

// extension is the command pcr extend.
type extension struct {
	std      stdio
	kind     kindFlag
	measured releases // --data and --digest, in the order in which they were given
	register string
	from     string
}

func newPCRExtend(std stdio) *cobra.Command {
	e := extension{std: std}
	cmd := &cobra.Command{
		Use:   "extend --register N (--data FILE | --digest HEX)... [--from HEX]",
		Short: "Print a register that an application extended",
		Long: `Extend prints what a register holds after an application measured each of the
files and digests into it, in the order in which they are given: SHA-384 over the
old value and the data, again and again. The register begins with zero, or with
the value of --from.

An enclave's Nitro Security Module takes the bytes of a file as they are. A TPM
takes digests: with --kind nitrotpm the SHA-384 of each file is extended. --digest
is extended as it is with either. An application that hashes before it calls the
module is --digest, too. - is standard input.

The registers are those of an application: 16 to 31, for nitrotpm 8 to 16 and 23.`,
		Example: `  nitroattest pcr extend --register 16 --data manifest.json
  nitroattest pcr extend --register 17 --digest "$(sha384sum config | cut -d' ' -f1)"`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return e.run(cmd.Flags().Changed("from")) },
	}
	flags := cmd.Flags()
	flags.SortFlags = false
	flags.StringVar(&e.register, "register", "", "register `N`")
	flags.Var(appender{&e.measured, "data"}, "data", "`FILE` that was measured; repeat for more")
	flags.Var(appender{&e.measured, "digest"}, "digest", "bytes that were extended, as `HEX`; repeat for more")
	flags.StringVar(&e.from, "from", "", "value that the register begins with, as `HEX`; without it, zero")
	flags.StringVar((*string)(&e.kind), "kind", string(pcr.Enclave), "whose register it is: enclave or nitrotpm")
	return cmd
}

func (e *extension) run(hasFrom bool) error {
	if err := e.kind.check(); err != nil {
		return err
	}
	if e.register == "" {
		return errors.New("--register: missing, expected a register, 16 for example")
	}
	register, err := pcr.ParseRegister(e.register)
	if err != nil {
		return fmt.Errorf("--register: %w", err)
	}
	if kind := pcr.Kind(e.kind); !kind.Application(register) {
		return fmt.Errorf("--register: found %d (%s), expected one that an application extends", register, kind.Describe(register))
	}
	if len(e.measured.given) == 0 {
		return errors.New("nothing was measured, expected --data FILE or --digest HEX")
	}
	var value pcr.Value
	if hasFrom {
		if value, err = pcr.ParseValue(e.from); err != nil {
			return fmt.Errorf("--from: %w", err)
		}
	}
	for _, m := range e.measured.given {
		if value, err = e.extend(value, m); err != nil {
			return fmt.Errorf("--%s: %w", m.flag, err)
		}
	}
	return printOut(e.std.out, []byte(value.String()+"\n"))
}

func (e *extension) extend(value pcr.Value, m given) (pcr.Value, error) {
	if m.flag == "digest" {
		data, err := hex.DecodeString(strings.TrimPrefix(m.value, "0x"))
		if err != nil || len(data) == 0 {
			return value, fmt.Errorf("found %q, expected hex digits, two for each byte", m.value)
		}
		return value.Extend(data), nil
	}
	file := e.std.in
	if m.value != "-" {
		opened, err := input.Open(m.value)
		if err != nil {
			return value, fmt.Errorf("%s: %w", m.value, err)
		}
		defer opened.Close()
		file = opened
	}
	h := sha512.New384()
	if !e.kind.isNitroTPM() {
		h.Write(value[:])
	}
	if _, err := io.Copy(h, file); err != nil {
		return value, fmt.Errorf("%s: %w", m.value, input.WithoutPath(err))
	}
	if e.kind.isNitroTPM() {
		return value.Extend(h.Sum(nil)), nil
	}
	h.Sum(value[:0])
	return value, nil
}
