package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os/exec"
	"time"

	"github.com/spf13/cobra"

	"github.com/nitroattest/nitroattest/internal/settings"
	"github.com/nitroattest/nitroattest/pcr"
	"github.com/nitroattest/nitroattest/pcr/signedpolicy"
)

// pluginName is the program that verifies Sigstore bundles. It is not part of
// this one, which so stays free of its dependencies.
const (
	pluginName   = "nitroattest-sigstore"
	pluginFolder = "pcr/signedpolicy/sigstore/cmd/" + pluginName
)

// sigstoreFlags have the names that cosign gives them.
type sigstoreFlags struct {
	identity, identityPattern string
	issuer, issuerPattern     string
	trustedRoot               string
}

var sigstoreFlagNames = []string{
	"certificate-identity", "certificate-identity-regexp", "certificate-oidc-issuer", "certificate-oidc-issuer-regexp", "trusted-root",
}

func (f *sigstoreFlags) register(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&f.identity, "certificate-identity", "", "`NAME` in the certificate of --policy-bundle: an e-mail address or the URI of a workflow")
	flags.StringVar(&f.identityPattern, "certificate-identity-regexp", "", "the same as a regular `EXPRESSION` for the whole name")
	flags.StringVar(&f.issuer, "certificate-oidc-issuer", "", "`URL` of who logged the signer of --policy-bundle in")
	flags.StringVar(&f.issuerPattern, "certificate-oidc-issuer-regexp", "", "the same as a regular `EXPRESSION` for the whole URL")
	flags.StringVar(&f.trustedRoot, "trusted-root", "", "`FILE` with the certificates and keys of the Sigstore instance to trust")
}

func (f *sigstoreFlags) check() error {
	switch {
	case (f.identity == "") == (f.identityPattern == ""):
		return errors.New("--policy-bundle: expected either --certificate-identity or --certificate-identity-regexp")
	case (f.issuer == "") == (f.issuerPattern == ""):
		return errors.New("--policy-bundle: expected either --certificate-oidc-issuer or --certificate-oidc-issuer-regexp")
	case f.trustedRoot == "":
		return hintf(errors.New("--policy-bundle: expected --trusted-root FILE"), "gh attestation trusted-root, or cosign trusted-root create, writes one")
	}
	return nil
}

// readBundle has the plugin verify the signature and who made it, and checks
// the statement here.
func (f *voucherFlags) readBundle(data []byte, now func() time.Time, std stdio) (pcr.Policy, *settings.Voucher, error) {
	plugin, err := findProgram(pluginName, pluginFolder)
	if err != nil {
		return pcr.Policy{}, nil, err
	}
	payload, signer, err := f.runPlugin(plugin, data, std)
	if err != nil {
		return pcr.Policy{}, nil, err
	}
	name, err := f.nameOr(func() (string, error) { return nameOf(payload) })
	if err != nil {
		return pcr.Policy{}, nil, err
	}
	statement, err := signedpolicy.InsecureAppraise(payload, signedpolicy.Expect{Name: name, Now: now, Seen: f.store()})
	if err != nil {
		return pcr.Policy{}, nil, err
	}
	v := settings.NewVoucher(statement, sha256.Sum256(payload))
	v.Certificate = signer
	return statement.Policy, v, nil
}

// nameOf takes the name that a statement gives itself.
func nameOf(payload []byte) (string, error) {
	var s struct {
		Predicate struct {
			Name string `json:"name"`
		} `json:"predicate"`
	}
	if err := json.Unmarshal(payload, &s); err != nil || s.Predicate.Name == "" {
		return "", &signedpolicy.Error{Reason: signedpolicy.MalformedStatement, Detail: "predicate.name: missing"}
	}
	return s.Predicate.Name, nil
}

func (f *voucherFlags) runPlugin(plugin string, bundle []byte, std stdio) ([]byte, *settings.Signer, error) {
	cmd := exec.Command(plugin,
		"--trusted-root", f.sigstore.trustedRoot,
		"--certificate-identity", f.sigstore.identity, "--certificate-identity-regexp", f.sigstore.identityPattern,
		"--certificate-oidc-issuer", f.sigstore.issuer, "--certificate-oidc-issuer-regexp", f.sigstore.issuerPattern)
	cmd.Stdin = bytes.NewReader(bundle)
	cmd.Stderr = std.err
	out, err := cmd.Output()
	var exit *exec.ExitError
	if err != nil && !(errors.As(err, &exit) && exit.ExitCode() == 1) {
		return nil, nil, fmt.Errorf("%s: %w", pluginName, pathless(err))
	}
	var answer struct {
		Payload []byte              `json:"payload"`
		Signer  *settings.Signer    `json:"signer"`
		Reason  signedpolicy.Reason `json:"reason"`
		Detail  string              `json:"detail"`
	}
	if jsonErr := json.Unmarshal(out, &answer); jsonErr != nil {
		return nil, nil, fmt.Errorf("%s: found no answer on its standard output: %w", pluginName, jsonErr)
	}
	if err != nil || answer.Reason != "" {
		return nil, nil, &signedpolicy.Error{Reason: answer.Reason, Detail: answer.Detail}
	}
	if len(answer.Payload) == 0 || answer.Signer == nil {
		return nil, nil, fmt.Errorf("%s: found an answer without a payload and a signer", pluginName)
	}
	return answer.Payload, answer.Signer, nil
}

func pathless(err error) error {
	var path *fs.PathError
	if errors.As(err, &path) {
		return path.Err
	}
	return err
}
