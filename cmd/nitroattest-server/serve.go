package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/nitroattest/nitroattest/attestation"
	"github.com/nitroattest/nitroattest/attestation/challenge"
	"github.com/nitroattest/nitroattest/certs"
	"github.com/nitroattest/nitroattest/cmd/nitroattest-server/internal/service"
	"github.com/nitroattest/nitroattest/internal/settings"
	"github.com/nitroattest/nitroattest/pcr"
)

// serveFlags are the flags. Those about roots, revocation and the kind are the
// ones of nitroattest verify.
type serveFlags struct {
	trust      settings.Trust
	kind       string
	signatures string
	allowDebug bool
	policies   string
	crlMemory  string
	listening  service.Listening
	running    service.Running
	keys       []string
	redis      string
	lifetime   time.Duration
	maxAge     time.Duration
	earKey     string
	concurrent int
	queue      int
}

func newServe(stderr io.Writer) *cobra.Command {
	var f serveFlags
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
/readyz, /metrics and the log say so.

Without --challenge-key and --redis, challenges are good in this process only
and until it ends. Several replicas share both.

Beyond loopback it needs TLS. It stops on SIGTERM or SIGINT, after the requests
that it has begun. The log goes to standard error, as JSON.`,
		Example: `  nitroattest-server --policies policies
  nitroattest-server --policies policies --listen :8443 --tls-cert cert.pem --tls-key key.pem --client-ca callers.pem
  nitroattest-server --policies policies --challenge-key key.hex --redis rediss://redis.internal:6379 --ear-key ear.pem`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx, stop := signal.NotifyContext(cmd.Context(), os.Interrupt, syscall.SIGTERM)
			defer stop()
			return serve(ctx, stderr, &f)
		},
	}
	f.register(cmd)
	return cmd
}

func (f *serveFlags) register(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&f.policies, "policies", "", "`DIR` with the policy files, NAME.json each")
	flags.StringVar(&f.listening.Address, "listen", "127.0.0.1:8080", "`ADDRESS` to listen on, host:port")
	flags.StringVar(&f.listening.TLSCert, "tls-cert", "", "`PEM` file with the certificate of this server")
	flags.StringVar(&f.listening.TLSKey, "tls-key", "", "`PEM` file with its key")
	flags.StringVar(&f.listening.ClientCA, "client-ca", "", "`PEM` file with authorities; every client needs a certificate of one")
	flags.BoolVar(&f.listening.InsecureNoTLS, "insecure-no-tls", false, "listen beyond loopback without TLS, behind a proxy that has it")
	flags.IntVar(&f.listening.Connections, "max-connections", 1024, "the largest number of connections")
	flags.StringArrayVar(&f.keys, "challenge-key", nil, "`FILE` with 64 to 128 hex digits that authenticate challenges; the first one issues, repeat to replace it")
	flags.StringVar(&f.redis, "redis", "", "`URL` of the store of challenges; the password may be in NITROATTEST_REDIS_PASSWORD")
	flags.DurationVar(&f.lifetime, "challenge-lifetime", challenge.DefaultLifetime, "how long a challenge is good")
	flags.DurationVar(&f.maxAge, "max-age", 0, "accept documents without a challenge up to this age; within it they can be replayed")
	flags.StringVar(&f.earKey, "ear-key", "", "`PEM` file with the P-384 key that signs attestation results")
	flags.BoolVar(&f.allowDebug, "insecure-allow-debug", false, "accept enclaves in debug mode, whose console the parent can read")
	flags.StringVar(&f.kind, "kind", string(attestation.Enclave), "kind of document: enclave or nitrotpm")
	flags.Var(given{&f.trust.Root}, "root", "`PEM` file with the roots to trust in place of AWS's")
	flags.Var(given{&f.trust.Partition}, "partition", "AWS partition whose root to trust: aws or aws-us-gov (default aws)")
	flags.StringArrayVar(&f.trust.CRLs, "crl", nil, "`FILE` with a revocation list, DER or PEM; repeat for more")
	flags.StringVar(&f.crlMemory, "crl-memory", "", "`FILE` to keep how new the revocation lists were, so that no older one counts after a restart; written by the server")
	flags.Var(given{&f.trust.MissingCRL}, "missing-crl", "what to do where --crl gives no current list for a certificate that names one: refuse or insecure-accept (default refuse)")
	flags.StringVar(&f.signatures, "signatures", signaturesStandard, "what verifies signatures: standard, or fast in half the time by circl; the verdicts are the same")
	flags.IntVar(&f.concurrent, "max-concurrent", 0, "how many documents are verified at a time; 0 for one on each core")
	flags.IntVar(&f.queue, "max-queue", 0, "how many more may wait before others are turned away; 0 for 64 times as many")
	flags.DurationVar(&f.running.PolicyInterval, "policy-interval", 5*time.Second, "time between two looks at the files that are read again")
	flags.DurationVar(&f.running.ShutdownTimeout, "shutdown-timeout", 30*time.Second, "time for requests to finish when the server stops")
	flags.SetNormalizeFunc(earlierNames)
}

// earlierNames lets the name that a flag had before stand for the one it has now.
func earlierNames(_ *pflag.FlagSet, name string) pflag.NormalizedName {
	if name == "allow-debug" {
		name = "insecure-allow-debug"
	}
	return pflag.NormalizedName(name)
}

// given is a flag that tells an empty text from none.
type given struct{ value **string }

func (g given) Set(text string) error { *g.value = &text; return nil }
func (given) Type() string            { return "string" }
func (g given) String() string {
	if g.value == nil || *g.value == nil {
		return ""
	}
	return **g.value
}

func serve(ctx context.Context, stderr io.Writer, f *serveFlags) error {
	logger := slog.New(slog.NewJSONHandler(stderr, nil))
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
	config.StoreReady = store.ready
	f.listening.Files = config.Files
	s, err := service.New(config)
	if err != nil {
		return err
	}
	listener, err := service.Listen(f.listening)
	if errors.Is(err, service.ErrNoTLS) {
		return hintf(fmt.Errorf("--listen %s: %w", f.listening.Address, err),
			"--tls-cert and --tls-key; --insecure-no-tls does without, where something else protects the connection")
	}
	if err != nil {
		return fmt.Errorf("--listen %s: %w", f.listening.Address, err)
	}
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(servePercent)
	}
	return s.Serve(ctx, listener, f.running)
}

// servePercent suits a process that goes on for months with
// two megabytes of its own and makes ninety of garbage in a second of load.
const servePercent = 400

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
	}
	switch {
	case f.policies == "":
		return config, hintf(errors.New("--policies: not given, expected a directory"), "its files say which code is acceptable")
	case f.running.PolicyInterval <= 0:
		return config, fmt.Errorf("--policy-interval: found %s, expected a positive duration", f.running.PolicyInterval)
	case f.running.ShutdownTimeout <= 0:
		return config, fmt.Errorf("--shutdown-timeout: found %s, expected a positive duration", f.running.ShutdownTimeout)
	case f.listening.Connections <= 0:
		return config, fmt.Errorf("--max-connections: found %d, expected a positive number", f.listening.Connections)
	}
	roots, err := f.trust.Roots()
	if err != nil {
		return config, err
	}
	revocations, err := f.revocations(config.Files)
	if err != nil {
		return config, err
	}
	signatures, err := f.signatureVerifier()
	if err != nil {
		return config, err
	}
	if config.Policies, err = service.LoadPolicies(f.policies, f.builder(roots, revocations, signatures), logger); err != nil {
		return config, fmt.Errorf("--policies: %s: %w", f.policies, err)
	}
	if f.earKey != "" {
		if config.Signer, err = service.LoadSigner(config.Files, f.earKey, version()); err != nil {
			return config, fmt.Errorf("--ear-key: %w", err)
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
func (f *serveFlags) builder(roots *certs.Roots, revocations *certs.Revocations, signatures attestation.SignatureVerifier) service.Builder {
	return func(file io.Reader) (*attestation.Verifier, error) {
		policy, err := pcr.Kind(f.kind).ReadPolicy(file)
		if err != nil {
			return nil, err
		}
		return attestation.NewVerifier(attestation.Config{
			Policy:             policy,
			Kind:               attestation.Kind(f.kind),
			Roots:              roots,
			Revocations:        revocations,
			InsecureAllowDebug: f.allowDebug,
			Signatures:         signatures,
		})
	}
}
