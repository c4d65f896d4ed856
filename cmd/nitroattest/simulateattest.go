package main

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/nitroattest/nitroattest/attestation"
	"github.com/nitroattest/nitroattest/attestation/attestationtest"
	"github.com/nitroattest/nitroattest/cmd/nitroattest/internal/simulate"
	"github.com/nitroattest/nitroattest/pcr"
)

// attestFlags say what a simulated document holds.
type attestFlags struct {
	enclave                               enclaveFlags
	nonce, challenge, userData, publicKey string
	time                                  string
	broken                                string
	base64, json                          bool
	output                                string
}

func newSimulateAttest(std stdio) *cobra.Command {
	var f attestFlags
	cmd := &cobra.Command{
		Use:   "attest",
		Short: "Print an attestation document of the simulated enclave",
		Long: `Attest prints a document in binary, or in base64 with --base64 and on a terminal,
or with --json as an object with the document in base64 and what it holds.

A field that no flag sets is null in the document. --challenge takes the
challenge of nitroattest-server, and puts the nonce in it into the document.

--broken NAME makes a document that is wrong in one thing, and says on standard
error what is wrong and what verify has to be told to give which reason. It is
half a minute old at the time of --time, by which it is to be judged. What the
mutation breaks and no flag sets is made up. --broken list lists the names; those
that begin with accept- break nothing.`,
		Example: `  nitroattest simulate attest --nonce 6e6f6e6365 > document.cbor
  nitroattest simulate attest --eif enclave.eif --user-data 00ff --base64
  nitroattest simulate attest --kind nitrotpm --time 2026-03-01T12:00:00Z -o document.cbor
  nitroattest simulate attest --broken pcr-0-bit > broken.cbor`,
		Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error { return f.run(std) },
	}
	f.enclave.register(cmd)
	flags := cmd.Flags()
	flags.StringVar(&f.nonce, "nonce", "", "the nonce, as `HEX`")
	flags.StringVar(&f.challenge, "challenge", "", "the nonce, as a `CHALLENGE` of nitroattest-server")
	flags.StringVar(&f.userData, "user-data", "", "user_data, as `HEX`; \"\" for present and empty")
	flags.StringVar(&f.publicKey, "public-key", "", "public_key, as `HEX`; \"\" for present and empty")
	flags.StringVar(&f.time, "time", "", "when the document is made, as `RFC3339` (default now)")
	flags.StringVar(&f.broken, "broken", "", "break the document as the mutation `NAME` does; list for their names")
	flags.BoolVar(&f.base64, "base64", false, "print the document in base64")
	flags.BoolVar(&f.json, "json", false, "print a JSON object")
	flags.StringVarP(&f.output, "output", "o", "", "write to `FILE`")
	return cmd
}

func (f *attestFlags) run(std stdio) error {
	if f.base64 && f.json {
		return errors.New("--base64: given beside --json, which has the document in base64")
	}
	if f.changed("broken") && f.broken == "list" {
		return f.list(std)
	}
	made, err := f.make(std)
	if err != nil {
		return err
	}
	if made.Broken != nil && !f.json {
		made.Broken.warn(std)
	}
	toFile := f.changed("output")
	var data []byte
	switch {
	case f.json:
		if data, err = jsonLine(made); err != nil {
			return err
		}
	case f.base64, !toFile && isTerminal(std.out):
		data = []byte(base64.StdEncoding.EncodeToString(made.Document) + "\n")
	default:
		data = made.Document
	}
	return writeOutput(std, toFile, f.output, data)
}

func (f *attestFlags) changed(name string) bool { return f.enclave.changed(name) }

// madeDocument is a document with what is in it.
type madeDocument struct {
	Document  []byte      `json:"document"` // base64 in JSON
	Kind      pcr.Kind    `json:"kind"`
	Time      time.Time   `json:"time"`
	Nonce     *string     `json:"nonce"`
	UserData  *string     `json:"user_data"`
	PublicKey *string     `json:"public_key"`
	Broken    *brokenMark `json:"broken"`
}

// brokenMark says what was broken and how a verifier finds out.
type brokenMark struct {
	Name    string             `json:"name"`
	Reason  attestation.Reason `json:"reason"` // empty: it has to be accepted
	Comment string             `json:"comment"`
	// Verify are the flags of nitroattest verify beside --root and --policy.
	Verify []string `json:"verify"`
}

func (f *attestFlags) make(std stdio) (*madeDocument, error) {
	if f.changed("broken") {
		b, err := f.breakDocument(std)
		if err != nil {
			return nil, err
		}
		made := simulatedOf(b.Document, kindOfMutation(b.Mutation), attestationtest.Request{Time: b.Now, Nonce: b.Nonce, UserData: b.UserData, PublicKey: b.PublicKey})
		made.Broken = &brokenMark{b.Mutation.Name, b.Mutation.Reason, b.Mutation.Comment, verifyFlags(b)}
		return made, nil
	}
	request, err := f.request()
	if err != nil {
		return nil, err
	}
	simulator, err := f.enclave.open(pcr.Kind(f.enclave.kind), std)
	if err != nil {
		return nil, err
	}
	document, err := simulator.Attest(request)
	if err != nil {
		return nil, fmt.Errorf("--time: %w", err)
	}
	return simulatedOf(document, pcr.Kind(f.enclave.kind), request), nil
}

func simulatedOf(document []byte, kind pcr.Kind, r attestationtest.Request) *madeDocument {
	if kind == "" {
		kind = pcr.Enclave
	}
	return &madeDocument{
		Document: document, Kind: kind, Time: r.Time.UTC(),
		Nonce: hexOrNull(r.Nonce), UserData: hexOrNull(r.UserData), PublicKey: hexOrNull(r.PublicKey),
	}
}

func kindOfMutation(m attestationtest.Mutation) pcr.Kind {
	if m.NitroTPM {
		return pcr.NitroTPM
	}
	return pcr.Enclave
}

func jsonLine(value any) ([]byte, error) {
	data, err := json.Marshal(value)
	return append(printableJSON(data), '\n'), err
}

func hexOrNull(value []byte) *string {
	if value == nil {
		return nil
	}
	digits := hex.EncodeToString(value)
	return &digits
}

// breakDocument makes the document of --broken, whose kind is that of the mutation.
func (f *attestFlags) breakDocument(std stdio) (*simulate.Broken, error) {
	mutation, err := simulate.FindMutation(f.broken)
	if err != nil {
		return nil, hintf(fmt.Errorf("--broken: %w", err), "nitroattest simulate attest --broken list lists them")
	}
	kind := kindOfMutation(mutation)
	if f.changed("kind") && kindFlag(f.enclave.kind).check() == nil && !kind.Is(pcr.Kind(f.enclave.kind)) {
		return nil, fmt.Errorf("--kind: found %s, expected %s, whose documents --broken %s breaks", f.enclave.kind, kind, f.broken)
	}
	request, err := f.request()
	if err != nil {
		return nil, err
	}
	request.Time = request.Time.Truncate(time.Second) // as --at of verify has it
	simulator, err := f.enclave.open(kind, std)
	if err != nil {
		return nil, err
	}
	broken, err := simulator.Break(mutation, request)
	if err != nil {
		return nil, fmt.Errorf("--broken: %w", err)
	}
	return broken, nil
}

func (f *attestFlags) request() (attestationtest.Request, error) {
	r := attestationtest.Request{Time: time.Now()}
	if f.changed("time") {
		at, err := time.Parse(time.RFC3339, f.time)
		if err != nil {
			return r, fmt.Errorf("--time: found %q, expected a time like 2025-04-15T02:25:23Z", f.time)
		}
		r.Time = at
	}
	for _, field := range []struct {
		name, digits string
		value        *[]byte
	}{{"nonce", f.nonce, &r.Nonce}, {"user-data", f.userData, &r.UserData}, {"public-key", f.publicKey, &r.PublicKey}} {
		if !f.changed(field.name) {
			continue
		}
		value, err := hex.DecodeString(strings.TrimPrefix(field.digits, "0x"))
		if err != nil {
			return r, fmt.Errorf("--%s: found %q, expected hex digits", field.name, field.digits)
		}
		*field.value = value
	}
	if !f.changed("challenge") {
		return r, nil
	}
	if f.changed("nonce") {
		return r, errors.New("--challenge: given beside --nonce, expected one of them")
	}
	nonce, err := base64.RawURLEncoding.DecodeString(f.challenge)
	if err != nil || len(nonce) == 0 {
		return r, fmt.Errorf("--challenge: found %q, expected base64url, as nitroattest-server gives it out", f.challenge)
	}
	r.Nonce = nonce
	return r, nil
}

// verifyFlags are what verify has to be told.
func verifyFlags(b *simulate.Broken) []string {
	flags := []string{"--at", b.Now.UTC().Format(time.RFC3339)}
	if b.Mutation.NitroTPM {
		flags = append(flags, "--kind", string(pcr.NitroTPM))
	}
	if b.MaxAge > 0 {
		flags = append(flags, "--max-age", strings.TrimSuffix(b.MaxAge.String(), "0s"))
	}
	for _, field := range []struct {
		name  string
		value []byte
	}{{"--nonce", b.Nonce}, {"--user-data", b.UserData}, {"--public-key", b.PublicKey}} {
		if field.value != nil {
			flags = append(flags, field.name, hex.EncodeToString(field.value))
		}
	}
	if b.NoUserData {
		flags = append(flags, "--no-user-data")
	}
	if b.NoPublicKey {
		flags = append(flags, "--no-public-key")
	}
	for _, register := range b.PCRs.Registers() {
		flags = append(flags, "--expect-pcr", fmt.Sprintf("%d=%s", register, b.PCRs[register]))
	}
	return flags
}

// warn says on standard error what a verifier has to find.
func (b *brokenMark) warn(std stdio) {
	verdict := string(b.Reason)
	if verdict == "" {
		verdict = "accepted"
	}
	printWarning(std.err, fmt.Sprintf("%s: %s", b.Name, b.Comment))
	words := make([]string, len(b.Verify))
	for i, word := range b.Verify {
		words[i] = shellWord(word)
	}
	printHint(std.err, fmt.Sprintf("a verifier has to say %s; verify with %s", verdict, strings.Join(words, " ")))
}

// list prints the mutations.
func (f *attestFlags) list(std stdio) error {
	var out bytes.Buffer
	table := tabwriter.NewWriter(&out, 0, 0, 2, ' ', 0)
	for _, m := range simulate.Mutations() {
		if f.json {
			data, err := jsonLine(listedMutation{m.Name, m.Topic, m.Reason, kindOfMutation(m), m.Comment})
			if err != nil {
				return err
			}
			out.Write(data)
			continue
		}
		verdict := string(m.Reason)
		if verdict == "" {
			verdict = "accepted"
		}
		fmt.Fprintf(table, "%s\t%s\t%s\n", m.Name, verdict, m.Comment)
	}
	if err := table.Flush(); err != nil {
		return err
	}
	return writeOutput(std, f.changed("output"), f.output, out.Bytes())
}

// listedMutation is one in JSON.
type listedMutation struct {
	Name    string                `json:"name"`
	Topic   attestationtest.Topic `json:"topic"`
	Reason  attestation.Reason    `json:"reason"`
	Kind    pcr.Kind              `json:"kind"`
	Comment string                `json:"comment"`
}
