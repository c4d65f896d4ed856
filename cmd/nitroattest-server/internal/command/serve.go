package command

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"runtime/debug"

	"github.com/spf13/cobra"

	"github.com/nitroattest/nitroattest/cmd/nitroattest-server/internal/memory"
	"github.com/nitroattest/nitroattest/cmd/nitroattest-server/internal/service"
	"github.com/nitroattest/nitroattest/internal/settings"
)

func newServe(stderr io.Writer, sigstore Sigstore) *cobra.Command {
	f := serveFlags{sigstore: sigstore, trust: settings.Trust{Words: flagName}}
	cmd := &cobra.Command{
		Use:           "nitroattest-server --policies DIR [flags]",
		Short:         "Verify AWS Nitro attestation documents for other programs, over HTTP",
		Version:       version(),
		SilenceErrors: true,
		SilenceUsage:  true,
		Long: `The service hands out challenges and verifies documents for callers in any
language. GET /openapi.json describes it.

DIR has one file for each policy: prod.json is the policy "prod". Its files and
those of --crl, --tls-cert, --tls-key, --client-ca and --ear-key are read again
when they change; what is broken leaves in use what was there before, and
/readyz, /metrics and the log say so. With --policy-keys every policy has to be
signed by those keys, and with --certificate-identity, --certificate-oidc-issuer
and --trusted-root it has to be a Sigstore bundle.

Without --challenge-key and --redis, challenges are good in this process only
and until it ends. Several replicas share both.

Beyond loopback it needs TLS. It stops on SIGTERM or SIGINT, after the requests
that it has begun, and at once when the signal comes again. On SIGHUP it reads
its files at once. The log goes to standard error, as JSON.`,
		Example: `  nitroattest-server --policies policies
  nitroattest-server --policies policies --listen :8443 --tls-cert cert.pem --tls-key key.pem --client-ca callers.pem --admin-listen 127.0.0.1:8081
  nitroattest-server --policies policies --challenge-key key.hex --redis rediss://redis.internal:6379 --ear-key ear.pem`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx, stop := f.obeySignals(cmd.Context())
			defer stop()
			return serve(ctx, stderr, &f)
		},
	}
	f.register(cmd)
	return cmd
}

func serve(ctx context.Context, stderr io.Writer, f *serveFlags) error {
	logger := slog.New(slog.NewJSONHandler(stderr, nil))
	limit, err := f.limitMemory()
	if err != nil {
		return err
	}
	config, err := f.config(logger)
	if err != nil {
		return err
	}
	store, err := f.openStore(ctx, logger)
	if err != nil {
		return err
	}
	defer store.close()
	if config.Issuer, err = f.issuer(store); err != nil {
		return err
	}
	store.addTo(&config)
	if f.audit != "" {
		if config.Audit, err = service.OpenAudit(f.audit); err != nil {
			return fmt.Errorf("--audit-log: %w", err)
		}
		defer config.Audit.Close()
	}
	f.listening.Files = config.Files
	s, err := service.New(config)
	if err != nil {
		return err
	}
	listeners, err := f.listen()
	if err != nil {
		return err
	}
	logger.Info("memory is limited", slog.Int64("bytes", debug.SetMemoryLimit(-1)), slog.String("by", limit.Source))
	go memory.Trim(ctx)
	if f.updater != nil {
		go func() { _ = f.updater.Run(ctx) }() // it returns when ctx ends
	}
	if store.redemptions != nil {
		go store.redemptions.Watch(ctx)
	}
	f.running.Notify = notifier(logger)
	if err := s.Serve(ctx, listeners, f.running); err != nil {
		return &runError{err}
	}
	return nil
}

// runError is what ended a service that had started: no flag and no file is to
// blame for it.
type runError struct{ error }

func (e *runError) Unwrap() error { return e.error }

func (f *serveFlags) listen() (*service.Listeners, error) {
	listeners, err := service.Listen(f.listening)
	if err == nil {
		return listeners, nil
	}
	flag, noTLS := fmt.Errorf("--listen %s: %w", f.listening.Address, err), errors.Is(err, service.ErrNoTLS)
	var admin *service.AdminError
	if errors.As(err, &admin) {
		flag = fmt.Errorf("--admin-listen %w", err)
	}
	if noTLS {
		return nil, hintf(flag, "--tls-cert and --tls-key; --insecure-no-tls does without, where something else protects the connection")
	}
	return nil, flag
}
