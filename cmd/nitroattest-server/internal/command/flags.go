package command

import (
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/nitroattest/nitroattest/attestation"
	"github.com/nitroattest/nitroattest/attestation/challenge"
	"github.com/nitroattest/nitroattest/certs/crlfetch"
	"github.com/nitroattest/nitroattest/cmd/nitroattest-server/internal/service"
	"github.com/nitroattest/nitroattest/internal/settings"
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
	redisCA    string

	redisPassword string
	lifetime      time.Duration
	maxAge        time.Duration
	earKey        string
	earDraft      string
	concurrent    int
	queue         int
	memory        string
	profiles      bool
	audit         string
	vouching      vouchingFlags
	fetchCRLs     bool
	updater       *crlfetch.Updater // nil without it
	sigstore      Sigstore          // nil: bundles cannot be verified
	tolerate      bool
	anyModuleID   bool
}

// vouchingFlags say who has to vouch for policies.
type vouchingFlags struct {
	keys      *string // nil: not given
	threshold int
	prefix    string
	state     string
	signer    bundleFlags
}

// bundleFlags have the names that cosign gives them. Nil: not given.
type bundleFlags struct {
	identity, identityPattern *string
	issuer, issuerPattern     *string
	trustedRoot               *string
}

func (f *serveFlags) register(cmd *cobra.Command) {
	flags := cmd.Flags()
	f.registerListening(flags)
	f.registerChecks(flags)
	f.registerChallenges(flags)
	f.registerRunning(flags)
	flags.SetNormalizeFunc(earlierNames)
}

func (f *serveFlags) registerListening(flags *pflag.FlagSet) {
	flags.StringVar(&f.listening.Address, "listen", "127.0.0.1:8080", "`ADDRESS` to listen on, host:port")
	flags.StringVar(&f.listening.TLSCert, "tls-cert", "", "`PEM` file with the certificate of this server")
	flags.StringVar(&f.listening.TLSKey, "tls-key", "", "`PEM` file with its key")
	flags.StringVar(&f.listening.ClientCA, "client-ca", "", "`PEM` file with authorities; every client needs a certificate of one")
	flags.StringArrayVar(&f.listening.ClientNames, "client-name", nil, "`NAME` that a client's certificate has to have, a DNS name, a URI such as a SPIFFE ID, or an e-mail address; a URI may end in /*; repeat for more")
	flags.StringVar(&f.listening.ClientCRL, "client-crl", "", "`FILE` with revocation lists of --client-ca, DER or PEM; a client of an authority without a current list is refused")
	flags.BoolVar(&f.listening.InsecureNoTLS, "insecure-no-tls", false, "listen beyond loopback without TLS, behind a proxy that has it")
	flags.StringArrayVar(&f.listening.Admin, "admin-listen", nil, "`ADDRESS` for /healthz, /readyz and /metrics, which are then nowhere else and need no client certificate: host:port or unix:PATH; repeat for more")
	flags.BoolVar(&f.profiles, "insecure-admin-pprof", false, "serve /debug/pprof/ there, whose profiles show what others ask for")
	flags.IntVar(&f.listening.Connections.Total, "max-connections", service.DefaultConnections, "the largest number of connections")
	flags.IntVar(&f.listening.Connections.PerClient, "max-client-connections", 0, "the largest number of one client address, or IPv6 /64 network; 0 for a quarter of all; behind a balancer that hides the addresses, as many as all")
	flags.IntVar(&f.listening.Connections.Handshakes, "max-handshakes", service.DefaultHandshakes, "how many TLS handshakes are under way at a time, a quarter of them for one client address")
}

func (f *serveFlags) registerChecks(flags *pflag.FlagSet) {
	flags.StringVar(&f.policies, "policies", "", "`DIR` with the policy files, NAME.json each")
	flags.BoolVar(&f.tolerate, "tolerate-broken-policies", false, "start although some policy files cannot be used; requests for those get 503")
	flags.Var(given{&f.vouching.keys}, "policy-keys", "`PEM` file with the public keys of those who vouch for policies; then every policy has to be signed")
	flags.Var(given{&f.vouching.signer.identity}, "certificate-identity", "`NAME` in the certificate of those who vouch for policies, an e-mail address or the URI of a workflow; then every policy has to be a Sigstore bundle")
	flags.Var(given{&f.vouching.signer.identityPattern}, "certificate-identity-regexp", "the same as a regular `EXPRESSION` for the whole name")
	flags.Var(given{&f.vouching.signer.issuer}, "certificate-oidc-issuer", "`URL` of who logged them in")
	flags.Var(given{&f.vouching.signer.issuerPattern}, "certificate-oidc-issuer-regexp", "the same as a regular `EXPRESSION` for the whole URL")
	flags.Var(given{&f.vouching.signer.trustedRoot}, "trusted-root", "`FILE` with the certificates and keys of the Sigstore instance to trust")
	flags.IntVar(&f.vouching.threshold, "policy-threshold", 0, "how many of the keys have to have signed; 0 for all")
	flags.StringVar(&f.vouching.prefix, "policy-name-prefix", "", "`TEXT` that comes before NAME in the name of the signed policy in NAME.json")
	flags.StringVar(&f.vouching.state, "policy-state", "", "`FILE` to keep the versions of signed policies, so that no older one counts after a restart; written by the server")
	flags.StringVar(&f.kind, "kind", string(attestation.Enclave), "kind of document: enclave or nitrotpm")
	flags.Var(given{&f.trust.Root}, "root", "`PEM` file with the roots to trust in place of AWS's")
	flags.Var(given{&f.trust.Partition}, "partition", "AWS partition whose root to trust: aws or aws-us-gov (default aws)")
	flags.StringArrayVar(&f.trust.CRLs, "crl", nil, "`FILE` with a revocation list, DER or PEM; repeat for more")
	flags.BoolVar(&f.fetchCRLs, "fetch-crls", false, "check revocation by the lists that certificates name, fetched over HTTP from AWS's hosts, beside those of --crl")
	flags.StringVar(&f.crlMemory, "crl-memory", "", "`FILE` to keep how new the revocation lists were, so that no older one counts after a restart; written by the server")
	flags.Var(given{&f.trust.MissingCRL}, "missing-crl", "what to do where --crl gives no current list for a certificate that names one: refuse or insecure-accept (default refuse)")
	flags.BoolVar(&f.allowDebug, "insecure-allow-debug", false, "accept enclaves in debug mode, whose console the parent can read")
	flags.BoolVar(&f.anyModuleID, "insecure-any-module-id", false, "accept module IDs of a form that nobody has seen")
	flags.StringVar(&f.signatures, "signatures", signaturesStandard, "what verifies signatures: standard, or fast in half the time by circl; the verdicts are the same")
	flags.StringVar(&f.earKey, "ear-key", "", "`PEM` file with the P-384 key that signs attestation results")
	flags.StringVar(&f.earDraft, "ear-draft", "04", "draft of the IETF that the attestation results name: 04, or 03 for consumers that expect it")
}

func (f *serveFlags) registerChallenges(flags *pflag.FlagSet) {
	flags.StringArrayVar(&f.keys, "challenge-key", nil, "`FILE` with 64 to 128 hex digits that authenticate challenges; the first one issues, repeat to replace it")
	flags.StringVar(&f.redis, "redis", "", "`URL` of the store of challenges: rediss://, rediss+sentinel:// or rediss+cluster://, or redis for no TLS; the password may be in NITROATTEST_REDIS_PASSWORD")
	flags.StringVar(&f.redisCA, "redis-ca", "", "`PEM` file with the authorities of its certificate, in place of the system's")
	flags.StringVar(&f.redisPassword, "redis-password-file", "", "`FILE` with its password")
	flags.DurationVar(&f.lifetime, "challenge-lifetime", challenge.DefaultLifetime, "how long a challenge is good")
	flags.DurationVar(&f.maxAge, "max-age", 0, "accept documents without a challenge up to this age; within it they can be replayed")
}

func (f *serveFlags) registerRunning(flags *pflag.FlagSet) {
	flags.IntVar(&f.concurrent, "max-concurrent", 0, "how many documents are verified at a time; 0 for one on each core")
	flags.IntVar(&f.queue, "max-queue", 0, "how many more may wait before others are turned away; 0 for 64 times as many")
	flags.StringVar(&f.memory, "memory-limit", "", "`SIZE` that the memory is kept to, such as 256MiB; by default GOMEMLIMIT, or 256MiB and at most four fifths of what the control group has")
	flags.StringVar(&f.audit, "audit-log", "", "`FILE` to append a line for each verdict to; opened again on SIGHUP; a verdict that cannot be written is not given")
	flags.DurationVar(&f.running.PolicyInterval, "policy-interval", 5*time.Second, "time between two looks at the files that are read again")
	flags.DurationVar(&f.running.ShutdownDelay, "shutdown-delay", 0, "time to go on accepting connections when the server stops and /readyz says so, for balancers to notice")
	flags.DurationVar(&f.running.ShutdownTimeout, "shutdown-timeout", 30*time.Second, "time for requests to finish when the server stops")
}

// flagName is what a user of the command calls a setting.
func flagName(setting string) string {
	switch setting {
	case settings.Roots:
		return "--root"
	case settings.CRLs:
		return "--crl"
	}
	return "--" + strings.ReplaceAll(setting, "_", "-")
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
