package command

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/nitroattest/nitroattest/attestation"
	"github.com/nitroattest/nitroattest/attestation/challenge"
	"github.com/nitroattest/nitroattest/certs"
	"github.com/nitroattest/nitroattest/certs/crlfetch"
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
	case f.maxAge < 0 || f.maxAge > service.MaxAgeLimit || f.maxAge%time.Second != 0:
		return config, fmt.Errorf("--max-age: found %s, expected whole seconds, at most %s", f.maxAge, service.MaxAgeLimit)
	case f.lifetime < challenge.MinLifetime || f.lifetime > challenge.MaxLifetime:
		return config, fmt.Errorf("--challenge-lifetime: found %s, expected %s to %s", f.lifetime, challenge.MinLifetime, challenge.MaxLifetime)
	case f.anyModuleID && config.Kind == attestation.NitroTPM:
		return config, fmt.Errorf("--insecure-any-module-id: given for documents of the kind %q, expected %q; --kind says which", attestation.NitroTPM, attestation.Enclave)
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
	if f.updater, err = f.fetcher(revocations, roots, logger); err != nil {
		return config, fmt.Errorf("--fetch-crls: %w", err)
	}
	if f.updater != nil {
		config.Lists = f.updater // and no nil in an interface
	}
	signatures, err := f.signatureVerifier()
	if err != nil {
		return config, err
	}
	read, err := f.vouching.reader(attestation.Kind(f.kind), f.sigstore)
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

// revocations returns nil, which checks nothing, without --crl and --fetch-crls.
func (f *serveFlags) revocations(files *service.Files) (*certs.Revocations, error) {
	if len(f.trust.CRLs) == 0 && !f.fetchCRLs {
		if f.crlMemory != "" {
			return nil, errors.New("--crl-memory: given without --crl and --fetch-crls")
		}
		_, err := f.trust.UnknownStatus() // which has its own word about that
		return nil, err
	}
	unknown, err := f.unknownStatus()
	if err != nil {
		return nil, err
	}
	revocations, err := service.LoadRevocations(files, unknown, f.crlMemory, f.trust.CRLs)
	if err != nil {
		return nil, fmt.Errorf("--crl: %w", err)
	}
	return revocations, nil
}

// unknownStatus is what --missing-crl says, of lists that are fetched too.
func (f *serveFlags) unknownStatus() (certs.UnknownStatus, error) {
	trust := f.trust
	if len(trust.CRLs) == 0 {
		trust.CRLs = []string{"--fetch-crls"}
	}
	return trust.UnknownStatus()
}

// fetcher returns nil without --fetch-crls.
func (f *serveFlags) fetcher(revocations *certs.Revocations, roots *certs.Roots, logger *slog.Logger) (*crlfetch.Updater, error) {
	if !f.fetchCRLs {
		return nil, nil
	}
	return crlfetch.New(crlfetch.Config{
		Revocations: revocations,
		Roots:       roots,
		Client:      &http.Client{},
		OnError: func(err error) {
			logger.Warn("revocation lists cannot be fetched again", slog.String("error", err.Error()))
		},
	})
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
			AnyModuleID: f.anyModuleID,
			Roots:       roots,
			Revocations: revocations,
			Signatures:  signatures,
		}
		verifier, err := attestation.NewVerifier(demanded.Config())
		return service.Policy{Verifier: verifier, Voucher: voucher}, err
	}
}
