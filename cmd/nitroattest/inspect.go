package main

import (
	"bytes"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/nitroattest/nitroattest/attestation"
	"github.com/nitroattest/nitroattest/internal/input"
	"github.com/nitroattest/nitroattest/pcr"
)

func newInspect(std stdio) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "inspect FILE...",
		Short: "Show what documents say, without checking whether it is true",
		Long: `Inspect decodes documents and prints their fields and certificates. It checks no
signature: anything it prints may be forged. FILE is as for verify.`,
		Args: needFiles,
		RunE: func(_ *cobra.Command, files []string) error {
			var status error
			printed := 0
			for _, file := range files {
				for _, d := range input.ReadDocuments(file, std.in) {
					inspected, err := inspect(d)
					if err != nil {
						printError(std.err, fmt.Errorf("%s: %w", d.Name, err))
						status = exitError(exitUsage)
						continue
					}
					if err := inspected.write(std, asJSON, printed > 0); err != nil {
						return err
					}
					printed++
				}
			}
			return status
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON object for each document")
	return cmd
}

type inspection struct {
	file       string
	size       int
	unverified *attestation.Unverified
}

func inspect(d input.Document) (inspection, error) {
	if d.Err != nil {
		return inspection{}, d.Err
	}
	u, err := attestation.ParseUnverified(d.Evidence)
	return inspection{d.Name, len(d.Evidence), u}, err
}

func (i inspection) write(std stdio, asJSON, separate bool) error {
	var out bytes.Buffer
	if asJSON {
		if err := json.NewEncoder(&out).Encode(i); err != nil {
			return err
		}
	} else {
		if separate {
			out.WriteByte('\n')
		}
		i.writeText(&out)
	}
	text := out.Bytes()
	if asJSON {
		text = printableJSON(text)
	}
	if _, err := std.out.Write(text); err != nil {
		return fmt.Errorf("standard output: %w", err)
	}
	return nil
}

func (i inspection) writeText(b *bytes.Buffer) {
	d := i.unverified.Document
	fmt.Fprintf(b, "NOT AUTHENTICATED  %s  anything below may be forged\n", printable(i.file))
	if i.unverified.Unsigned {
		line(b, "signature", "NONE: an emulator of the Nitro Security Module made this document, and nobody signed it")
	}
	line(b, "kind", fmt.Sprintf("%s, %d bytes", d.Kind, i.size))
	writeDocument(b, d)
	line(b, "digest", d.Digest)
	if d.Kind == attestation.Enclave && d.PCRs.Debug() {
		line(b, "mode", "DEBUG: register 0, 1 or 2 is zero")
	}
	describe := d.Kind.Describe
	for _, register := range d.PCRs.Registers() {
		if value := d.PCRs[register]; !value.IsZero() {
			line(b, fmt.Sprintf("PCR%d", register), fmt.Sprintf("%s  %s", value, describe(register)))
		}
	}
	line(b, "zero", zeroRegisters(d.PCRs))
	for n, der := range append(i.unverified.CABundle, i.unverified.Certificate) {
		name := ""
		if n == 0 {
			name = "chain"
		}
		text := fmt.Sprintf("not a certificate (%d bytes)", len(der))
		if cert, err := x509.ParseCertificate(der); err == nil {
			text = describeCertificate(cert)
		}
		line(b, name, text)
	}
}

func zeroRegisters(bank pcr.Bank) string {
	text := ""
	for _, register := range bank.Registers() {
		if bank[register].IsZero() {
			text += fmt.Sprintf("PCR%d ", register)
		}
	}
	if text == "" {
		return "none"
	}
	return text[:len(text)-1]
}

// MarshalJSON writes {"file", "authenticated": false, "unsigned": bool, "document", "certificates"}.
func (i inspection) MarshalJSON() ([]byte, error) {
	type certificate struct {
		SHA256 string `json:"sha256"`
		DER    string `json:"der"`
	}
	certificates := []certificate{}
	for _, der := range append(i.unverified.CABundle, i.unverified.Certificate) {
		digest := sha256.Sum256(der)
		certificates = append(certificates, certificate{hex.EncodeToString(digest[:]), hex.EncodeToString(der)})
	}
	return json.Marshal(struct {
		File          string               `json:"file"`
		Authenticated bool                 `json:"authenticated"`
		Unsigned      bool                 `json:"unsigned"`
		Document      attestation.Document `json:"document"`
		Certificates  []certificate        `json:"certificates"`
	}{i.file, false, i.unverified.Unsigned, i.unverified.Document, certificates})
}
