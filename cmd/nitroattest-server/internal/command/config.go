package command

import (
	"errors"
	"fmt"
	"log/slog"

	"github.com/nitroattest/nitroattest/attestation"
	"github.com/nitroattest/nitroattest/certs"
	"github.com/nitroattest/nitroattest/cmd/nitroattest-server/internal/service"
	"github.com/nitroattest/nitroattest/internal/settings"
	"github.com/nitroattest/nitroattest/pcr"
)

// config has everything but the challenges.
func (f *serveFlags) config(logger *slog.Logger) (service.Config, error) {
	config := service.Config{
		Kind:       attestation.Kind(f.kind),
		MaxAge:     f.maxAge,
		Concurrent: f.concurrent,
		Queue:      f.queue,
		Signatures: f.signatures,
		Logger:     logger,
		Files:      service.NewFiles(logger),

		AdminApart:       len(f.listening.Admin) > 0,
		InsecureProfiles: f.profiles,
	}
	switch {
	case f.policies == "":
		return config, hintf(errors.New("--policies: not given, expected a directory"), "its files say which code is acceptable")
	case f.running.PolicyInterval <= 0:
		return config, fmt.Errorf("--policy-interval: found %s, expected a positive duration", f.running.PolicyInterval)
	case f.running.ShutdownTimeout <= 0:
		return config, fmt.Errorf("--shutdown-timeout: found %s, expected a positive duration", f.running.ShutdownTimeout)
	case f.running.ShutdownDelay < 0:
		return config, fmt.Errorf("--shutdown-delay: found %s, expected no negative duration", f.running.ShutdownDelay)
	case f.profiles && len(f.listening.Admin) == 0:
		return config, errors.New("--insecure-admin-pprof: given without --admin-listen")
	case f.listening.Connections.Total <= 0:
		return config, fmt.Errorf("--max-connections: found %d, expected a positive number", f.listening.Connections.Total)
	case f.listening.Connections.PerClient < 0:
		return config, fmt.Errorf("--max-client-connections: found %d, expected a positive number, or 0", f.listening.Connections.PerClient)
	case f.listening.Connections.Handshakes <= 0:
		return config, fmt.Errorf("--max-handshakes: found %d, expected a positive number", f.listening.Connections.Handshakes)
	}
	for _, name := range f.listening.ClientNames {
		if err := service.CheckClientName(name); err != nil {
			return config, fmt.Errorf("--client-name: %w", err)
		}
	}
	roots, err := f.trust.Roots()
	if err != nil {
		return config, err
	}
	config.RootHashes = service.RootHashes(roots)
	if f.trust.Root != nil {
		if err := service.WatchRoots(config.Files, *f.trust.Root, roots); err != nil {
			return config, fmt.Errorf("--root: %w", err)
		}
	}
	config.Waivers = f.waivers(config.RootHashes)
	revocations, err := f.revocations(config.Files)
	if err != nil {
		return config, err
	}
	signatures, err := f.signatureVerifier()
	if err != nil {
		return config, err
	}
	read, err := f.vouching.reader(attestation.Kind(f.kind))
	if err != nil {
		return config, err
	}
	config.Policies, err = service.LoadPolicies(service.PoliciesConfig{
		Dir: f.policies, Build: f.builder(read, roots, revocations, signatures), Logger: logger, TolerateBroken: f.tolerate})
	if err != nil {
		return config, fmt.Errorf("--policies: %s: %w", f.policies, err)
	}
	profile, ok := map[string]string{"04": service.EARProfile, "03": service.EARProfile03}[f.earDraft]
	if !ok {
		return config, fmt.Errorf("--ear-draft: found %q, expected 04 or 03", f.earDraft)
	}
	if f.earKey != "" {
		if config.Signer, err = service.LoadSigner(config.Files, f.earKey, version()); err != nil {
			return config, fmt.Errorf("--ear-key: %w", err)
		}
		if err := config.Signer.UseProfile(profile); err != nil {
			return config, fmt.Errorf("--ear-draft: %w", err)
		}
	}
	return config, nil
}

// revocations returns nil, which checks nothing, without --crl.
func (f *serveFlags) revocations(files *service.Files) (*certs.Revocations, error) {
	unknown, err := f.trust.UnknownStatus()
	switch {
	case err != nil:
		return nil, err
	case len(f.trust.CRLs) == 0 && f.crlMemory != "":
		return nil, errors.New("--crl-memory: given without --crl")
	case len(f.trust.CRLs) == 0:
		return nil, nil
	}
	revocations, err := service.LoadRevocations(files, unknown, f.crlMemory, f.trust.CRLs)
	if err != nil {
		return nil, fmt.Errorf("--crl: %w", err)
	}
	return revocations, nil
}

// builder makes the verifier of a policy file. Each policy has its own, with its
// own memory of certificates; the revocations are those of all.
func (f *serveFlags) builder(read policyReader, roots *certs.Roots, revocations *certs.Revocations, signatures attestation.SignatureVerifier) service.Builder {
	return func(name string, file []byte) (service.Policy, error) {
		policy, voucher, err := read(name, file)
		if err != nil {
			return service.Policy{}, err
		}
		demanded := settings.Appraisal{
			Kind:        pcr.Kind(f.kind),
			Policy:      policy,
			AllowDebug:  f.allowDebug,
			Roots:       roots,
			Revocations: revocations,
			Signatures:  signatures,
		}
		verifier, err := attestation.NewVerifier(demanded.Config())
		return service.Policy{Verifier: verifier, Voucher: voucher}, err
	}
}
