// Nitroattest-sigstore verifies the signature of a Sigstore bundle for the
// command nitroattest, which finds it beside itself or on PATH. It is a program
// of its own so that nitroattest stays free of Sigstore's dependencies.
//
// The bundle comes on standard input. Without an error, standard output has one
// JSON object, {"payload": "<base64>", "signer": {...}}: the statement as it
// was signed, and what the certificate says of the signer. The statement's name,
// times and version are for nitroattest to check.
//
// Exit status: 0 verified; 1 refused, with {"reason": ..., "detail": ...} on
// standard output; 2 misuse, with a message on standard error.
package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"

	"github.com/nitroattest/nitroattest/pcr/signedpolicy"
	"github.com/nitroattest/nitroattest/pcr/signedpolicy/sigstore"
)

func main() { os.Exit(run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr)) }

func run(args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	var c sigstore.Config
	var trustedRoot string
	flags := flag.NewFlagSet("nitroattest-sigstore", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.StringVar(&trustedRoot, "trusted-root", "", "`FILE` with the certificates and keys of a Sigstore instance")
	flags.StringVar(&c.Identity, "certificate-identity", "", "who has to have signed, as `NAME`")
	flags.StringVar(&c.IdentityPattern, "certificate-identity-regexp", "", "the same as a regular `EXPRESSION` for the whole name")
	flags.StringVar(&c.Issuer, "certificate-oidc-issuer", "", "who has to have logged the signer in, as `URL`")
	flags.StringVar(&c.IssuerPattern, "certificate-oidc-issuer-regexp", "", "the same as a regular `EXPRESSION` for the whole URL")
	c.Name = "-" // it is not looked at here
	if err := flags.Parse(args); err != nil {
		return 2
	}
	fail := func(err error) int {
		fmt.Fprintf(stderr, "nitroattest-sigstore: %v\n", err)
		return 2
	}
	if flags.NArg() > 0 {
		return fail(fmt.Errorf("found argument %q, expected the bundle on standard input", flags.Arg(0)))
	}
	var err error
	if c.TrustedRoot, err = readFile(trustedRoot); err != nil {
		return fail(fmt.Errorf("--trusted-root: %w", err))
	}
	v, err := sigstore.NewVerifier(c)
	if err != nil {
		return fail(err)
	}
	bundle, err := io.ReadAll(io.LimitReader(stdin, signedpolicy.MaxEnvelope+1))
	if err != nil {
		return fail(err)
	}
	payload, signer, err := v.InsecureVerifySignature(bundle)
	var refused *signedpolicy.Error
	status := 0
	var out any = answer{payload, signer}
	if errors.As(err, &refused) {
		out, status = refusal{refused.Reason, detail(refused)}, 1
	} else if err != nil {
		return fail(err)
	}
	if err := json.NewEncoder(stdout).Encode(out); err != nil {
		return fail(err)
	}
	return status
}

type answer struct {
	Payload []byte           `json:"payload"`
	Signer  *sigstore.Signer `json:"signer"`
}

type refusal struct {
	Reason signedpolicy.Reason `json:"reason"`
	Detail string              `json:"detail"`
}

func detail(e *signedpolicy.Error) string {
	switch {
	case e.Err == nil:
		return e.Detail
	case e.Detail == "":
		return e.Err.Error()
	default:
		return e.Detail + ": " + e.Err.Error()
	}
}

func readFile(name string) ([]byte, error) {
	if name == "" {
		return nil, errors.New("missing, expected a file")
	}
	file, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	return io.ReadAll(io.LimitReader(file, signedpolicy.MaxEnvelope+1))
}
