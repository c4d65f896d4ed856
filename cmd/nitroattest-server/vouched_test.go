package main

import (
	"crypto/ed25519"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	protobundle "github.com/sigstore/protobuf-specs/gen/pb-go/bundle/v1"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/nitroattest/nitroattest/pcr"
	"github.com/nitroattest/nitroattest/pcr/signedpolicy"
	"github.com/nitroattest/nitroattest/pcr/signedpolicy/sigstore/sigstoretest"
)

// publisher vouches for the image of the simulated hypervisor.
type publisher struct {
	sign  func(signedpolicy.Statement) []byte
	flags []string
	who   string // the member of "signed_policy" that says who signed
}

func keyPublisher(t *testing.T) publisher {
	public, private, err := ed25519.GenerateKey(nil)
	require.NoError(t, err)
	der, err := x509.MarshalPKIXPublicKey(public)
	require.NoError(t, err)
	file := filepath.Join(t.TempDir(), "keys.pem")
	require.NoError(t, os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}), 0o600))
	return publisher{func(s signedpolicy.Statement) []byte {
		envelope, err := signedpolicy.Sign(s, private)
		require.NoError(t, err)
		return envelope
	}, []string{"--policy-keys", file}, "keys"}
}

// workflowPublisher changes each bundle that it makes.
func workflowPublisher(t *testing.T, change func(*protobundle.Bundle)) publisher {
	instance := sigstoretest.New(t)
	file := filepath.Join(t.TempDir(), "trusted_root.json")
	require.NoError(t, os.WriteFile(file, instance.Root, 0o600))
	return publisher{func(s signedpolicy.Statement) []byte {
		payload, err := signedpolicy.MarshalStatement(s)
		require.NoError(t, err)
		return instance.Bundle(payload, sigstoretest.Soon(), change)
	}, []string{"--trusted-root", file, "--certificate-identity", sigstoretest.Identity, "--certificate-oidc-issuer", sigstoretest.Issuer}, "certificate"}
}

func release(version uint64) signedpolicy.Statement {
	issued := time.Now().Add(-time.Minute).UTC().Truncate(time.Second)
	return signedpolicy.Statement{
		Name: "example.com/prod", Version: version, Issued: issued, Expires: issued.Add(time.Hour),
		Policy:   pcr.Policy{Images: []pcr.Image{challenged.Enclave().Image()}},
		Subjects: []signedpolicy.Subject{{Name: "image.eif", Digest: map[string]string{"sha256": strings.Repeat("0", 64)}}},
	}
}

// vouchedFlags start a service whose policy is in the file that is returned.
func vouchedFlags(t *testing.T, p publisher, policy []byte) (flags []string, file string) {
	dir := t.TempDir()
	root := filepath.Join(dir, "root.pem")
	require.NoError(t, os.WriteFile(root, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: challenged.Root().Raw}), 0o600))
	file = filepath.Join(dir, "policies", "prod.json")
	require.NoError(t, os.Mkdir(filepath.Dir(file), 0o700))
	require.NoError(t, os.WriteFile(file, policy, 0o600))
	flags = append([]string{"--policies", filepath.Dir(file), "--root", root, "--listen", "127.0.0.1:0", "--policy-name-prefix", "example.com/",
		"--policy-state", filepath.Join(dir, "versions.json"), "--audit-log", filepath.Join(dir, "audit"), "--policy-interval", "10ms"}, p.flags...)
	return flags, file
}

func replace(t *testing.T, file string, data []byte) {
	require.NoError(t, os.WriteFile(file+".new", data, 0o600))
	require.NoError(t, os.Rename(file+".new", file))
}

// body sends a POST, or a GET without a request.
func (r *replica) body(t *testing.T, path, request string) map[string]any {
	response, err := http.Get(r.url + path)
	if request != "" {
		response, err = http.Post(r.url+path, "application/json", strings.NewReader(request))
	}
	require.NoError(t, err)
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	var answer map[string]any
	require.NoError(t, json.Unmarshal(text, &answer), string(text))
	return answer
}

// versionInUse is that of the policy by which a good document is accepted.
func versionInUse(t *testing.T, r *replica, p publisher) any {
	verdict := r.body(t, "/v1/verify", exchange(t, r))
	require.Equal(t, true, verdict["accepted"], "%v", verdict)
	voucher := verdict["signed_policy"].(map[string]any)
	require.Equal(t, "example.com/prod", voucher["name"])
	require.NotEmpty(t, voucher[p.who])
	return voucher["version"]
}

func awaitBroken(t *testing.T, r *replica, text string) {
	for {
		broken, _ := r.body(t, "/readyz", "")["broken"].(map[string]any)
		if why, _ := broken["prod"].(string); text == "" && why == "" || text != "" && strings.HasPrefix(why, text) {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// A server that was told who vouches for policies goes by what they signed, and by
// nothing else, whatever comes later.
func TestASignedPolicyIsServed(t *testing.T) {
	for name, p := range map[string]publisher{"keys": keyPublisher(t), "workflow": workflowPublisher(t, nil)} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			flags, file := vouchedFlags(t, p, p.sign(release(3)))
			r := startReplica(t, flags)
			assert.EqualValues(t, 3, versionInUse(t, r, p))

			replace(t, file, p.sign(release(2)))
			awaitBroken(t, r, "rolled-back: ")
			assert.EqualValues(t, 3, versionInUse(t, r, p))

			plain, err := json.Marshal(release(5).Policy)
			require.NoError(t, err)
			replace(t, file, plain)
			awaitBroken(t, r, "malformed-")
			assert.EqualValues(t, 3, versionInUse(t, r, p), "nobody signed it")

			replace(t, file, p.sign(release(4)))
			awaitBroken(t, r, "")
			assert.EqualValues(t, 4, versionInUse(t, r, p))

			ended := release(5)
			ended.Expires = ended.Issued.Add(time.Second)
			replace(t, file, p.sign(ended))
			awaitBroken(t, r, "expired: ")
			refused, err := r.post("/v1/verify", exchange(t, r))
			require.NoError(t, err)
			assert.Equal(t, 503, refused.status)

			require.NoError(t, r.end(os.Interrupt))
			assert.Contains(t, r.log.String(), `"level":"ERROR","msg":"policy file cannot be used","policy":"prod","keeping_old":true,"error":"rolled-back: `)
			audit, err := os.ReadFile(filepath.Join(filepath.Dir(filepath.Dir(file)), "audit"))
			require.NoError(t, err)
			assert.Equal(t, 4, strings.Count(string(audit), `"signed_policy":{"name":"example.com/prod","version":`))
			if p.who == "certificate" {
				assert.Equal(t, 4, strings.Count(string(audit), `"certificate":{"issuer":"`+sigstoretest.Issuer+`","identity":"`+sigstoretest.Identity+`"`))
			}

			// The versions outlive the process.
			replace(t, file, p.sign(release(4)))
			text, status := start(flags)
			assert.Equal(t, 2, status)
			assert.Contains(t, text, "prod.json: rolled-back: ")
		})
	}
}

// start runs a service that is expected not to start.
func start(flags []string) (string, int) {
	text, err := exec.Command("nitroattest-server", flags...).CombinedOutput()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return string(text), exit.ExitCode()
	}
	return string(text), 0
}

// Each differs in one thing from what TestASignedPolicyIsServed accepts.
func TestBundlesThatAreRefused(t *testing.T) {
	t.Parallel()
	good := workflowPublisher(t, nil)
	bundle := good.sign(release(3))
	with := func(flag, value string) []string {
		flags, _ := vouchedFlags(t, good, bundle)
		for i, each := range flags {
			if each == flag {
				flags[i+1] = value
			}
		}
		return flags
	}
	unlogged := workflowPublisher(t, func(b *protobundle.Bundle) { b.VerificationMaterial.TlogEntries = nil })
	for name, c := range map[string]struct {
		flags  []string
		reason string
	}{
		"wrong identity":   {with("--certificate-identity", sigstoretest.Identity+"1"), "other-identity: "},
		"wrong issuer":     {with("--certificate-oidc-issuer", sigstoretest.Issuer+"/"), "other-issuer: "},
		"wrong name":       {with("--policy-name-prefix", "example.org/"), "other-name: "},
		"another Sigstore": {with("--trusted-root", workflowPublisher(t, nil).flags[1]), "not-logged: "},
		"no log entry":     {first(vouchedFlags(t, unlogged, unlogged.sign(release(3)))), "not-logged: "},
		"an envelope":      {first(vouchedFlags(t, good, keyPublisher(t).sign(release(3)))), "malformed-bundle: "},
		"another kind":     {append(with("", ""), "--kind", "nitrotpm"), `found a policy of the kind`},
	} {
		text, status := start(c.flags)
		assert.Equal(t, 2, status, name)
		assert.Contains(t, text, "prod.json: "+c.reason, name)
	}
}

func first(flags []string, _ string) []string { return flags }

// No value that got lost on its way to the command line makes a server take a
// policy that nobody signed.
func TestVouchingFlagsThatCannotBeUsed(t *testing.T) {
	t.Parallel()
	plain, err := json.Marshal(release(1).Policy)
	require.NoError(t, err)
	root := workflowPublisher(t, nil).flags[1]
	for message, flags := range map[string][]string{
		"--policy-keys: empty, expected the name of a file":                                                   {"--policy-keys", ""},
		"Sigstore bundles: expected either --certificate-identity or --certificate-identity-regexp":           {"--trusted-root", ""},
		"--certificate-identity: empty, expected a text":                                                      {"--trusted-root", root, "--certificate-oidc-issuer", "i", "--certificate-identity", ""},
		"--certificate-oidc-issuer-regexp: empty, expected a regular expression":                              {"--trusted-root", root, "--certificate-oidc-issuer-regexp", "", "--certificate-identity", "n"},
		"--certificate-oidc-issuer-regexp: error parsing regexp":                                              {"--trusted-root", root, "--certificate-oidc-issuer-regexp", "(", "--certificate-identity", "n"},
		"Sigstore bundles: expected either --certificate-oidc-issuer or --certificate-oidc-issuer-regexp":     {"--trusted-root", root, "--certificate-identity", "n"},
		"Sigstore bundles: expected --trusted-root FILE":                                                      {"--certificate-oidc-issuer", "i", "--certificate-identity", "n"},
		"--trusted-root: none: open: no such file":                                                            {"--certificate-oidc-issuer", "i", "--certificate-identity", "n", "--trusted-root", "none"},
		"--policy-keys: given beside flags for Sigstore bundles such as --certificate-identity, expected one": {"--policy-keys", "keys.pem", "--certificate-identity", "n"},
		"--policy-threshold: given without --policy-keys":                                                     {"--policy-threshold", "1", "--certificate-identity", "n"},
	} {
		all, _ := vouchedFlags(t, publisher{}, plain)
		text, status := start(append(all, flags...))
		assert.Equal(t, 2, status, message)
		assert.Contains(t, text, "nitroattest-server: "+message)
	}
}

// Versions that a restart forgets are a warning.
func TestForgettingVersionsIsLoud(t *testing.T) {
	t.Parallel()
	p := keyPublisher(t)
	all, _ := vouchedFlags(t, p, p.sign(release(3)))
	for _, kept := range []bool{true, false} {
		flags := all
		if !kept {
			flags = nil
			for i := 0; i < len(all); i += 2 {
				if all[i] != "--policy-state" {
					flags = append(flags, all[i], all[i+1])
				}
			}
		}
		r := startReplica(t, flags)
		var names []any
		for _, each := range r.body(t, "/readyz", "")["warnings"].([]any) {
			names = append(names, each.(map[string]any)["name"])
		}
		assert.Equal(t, !kept, strings.Contains(r.log.String(), `"level":"WARN","msg":"insecure setting","setting":"policy-versions-forgotten"`))
		if kept {
			assert.NotContains(t, names, "policy-versions-forgotten")
		} else {
			assert.Contains(t, names, "policy-versions-forgotten")
		}
	}
}
