package service_test

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/sha512"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/nitroattest/nitroattest/attestation"
	"github.com/nitroattest/nitroattest/attestation/attestationtest"
	"github.com/nitroattest/nitroattest/cmd/nitroattest-server/internal/service"
	"github.com/nitroattest/nitroattest/internal/input"
	"github.com/nitroattest/nitroattest/pcr"
)

// readToken verifies a JWT (RFC 7515, RFC 7518 section 3.4) with the standard
// library alone and returns its claims.
func readToken(t testing.TB, token string, key *ecdsa.PublicKey) (header, claims object) {
	t.Helper()
	parts := strings.Split(token, ".")
	require.Len(t, parts, 3)
	decode := func(part string) []byte {
		data, err := base64.RawURLEncoding.Strict().DecodeString(part)
		require.NoError(t, err)
		return data
	}
	signature := decode(parts[2])
	require.Len(t, signature, 96)
	digest := sha512.Sum384([]byte(parts[0] + "." + parts[1]))
	require.True(t, ecdsa.Verify(key, digest[:], new(big.Int).SetBytes(signature[:48]), new(big.Int).SetBytes(signature[48:])))
	require.NoError(t, json.Unmarshal(decode(parts[0]), &header))
	require.NoError(t, json.Unmarshal(decode(parts[1]), &claims))
	return header, claims
}

// publicKey is the key that the service publishes.
func (k *kit) publicKey(t testing.TB) (*ecdsa.PublicKey, string) {
	t.Helper()
	_, set := k.send(t, "GET", "/v1/keys", "")
	require.Len(t, set["keys"], 1)
	jwk := set["keys"].([]any)[0].(object)
	require.Equal(t, "P-384", jwk["crv"])
	point := []byte{4}
	for _, coordinate := range []string{"x", "y"} {
		data, err := base64.RawURLEncoding.DecodeString(jwk[coordinate].(string))
		require.NoError(t, err)
		require.Len(t, data, 48)
		point = append(point, data...)
	}
	key, err := ecdsa.ParseUncompressedPublicKey(elliptic.P384(), point)
	require.NoError(t, err)
	return key, jwk["kid"].(string)
}

func (k *kit) submod(t testing.TB, verdict object) (claims, submod object) {
	t.Helper()
	key, _ := k.publicKey(t)
	_, claims = readToken(t, verdict["ear"].(string), key)
	return claims, claims["submods"].(object)["enclave"].(object)
}

func TestAnAcceptedDocumentGetsAnAttestationResult(t *testing.T) {
	k := newKit(t)
	c := k.challenge(t, "")
	request := object{"policy": "prod", "challenge": c, "ear": "accepted",
		"document": k.attest(t, c, attestationtest.Request{PublicKey: []byte("key"), UserData: []byte{}})}
	before := time.Now().Unix()
	verdict := k.verify(t, request)
	key, keyID := k.publicKey(t)
	assert.True(t, key.Equal(&k.earKey.PublicKey))
	header, claims := readToken(t, verdict["ear"].(string), key)
	assert.Equal(t, object{"alg": "ES384", "typ": "eat+jwt", "kid": keyID}, header)

	iat, exp := claims["iat"].(float64), claims["exp"].(float64)
	assert.GreaterOrEqual(t, int64(iat), before)
	assert.Equal(t, 300.0, exp-iat)
	delete(claims, "iat")
	delete(claims, "exp")
	document := verdict["document"].(object)
	assert.Equal(t, object{
		"eat_profile":     "tag:ietf.org,2026:rats/ear#04",
		"eat_nonce":       c,
		"ear_status":      "affirming",
		"ear_verifier_id": object{"developer": "https://github.com/nitroattest/nitroattest", "build": "nitroattest v0.0.0-test"},
		"submods": object{"enclave": object{
			"ear_status":                 "affirming",
			"ear_trustworthiness_vector": object{"instance-identity": 2.0, "configuration": 2.0, "executables": 3.0, "hardware": 2.0},
			"ear_appraisal_policy_ids":   []any{"prod@sha256:" + verdict["policy_sha256"].(string)},
			"eat_nonce":                  c,
			"github.com/nitroattest/nitroattest": object{
				"reason": "", "kind": "enclave", "debug": false, "image": k.hypervisor.Enclave().Image().Name,
				"module_id": k.hypervisor.Enclave().ModuleID(), "timestamp": document["timestamp"],
				"public_key": hex.EncodeToString([]byte("key")), "user_data": "",
			},
		}},
	}, claims)

	// The second time it is refused, and there is no result unless asked for.
	assert.Nil(t, k.verify(t, request)["ear"])
	claims, submod := k.submod(t, k.verify(t, with(request, "ear", "always")))
	assert.Equal(t, "contraindicated", claims["ear_status"])
	assert.Equal(t, "contraindicated", submod["ear_status"])
	assert.Equal(t, "nonce-already-redeemed", submod["github.com/nitroattest/nitroattest"].(object)["reason"])
}

// Every refusal there is leads to the row of the table and a status that is
// contraindicated.
func TestTheTrustworthinessVectorOfRefusals(t *testing.T) {
	if testing.Short() {
		t.Skip("a long table on one goroutine")
	}
	unknown := object{"instance-identity": 1.0, "configuration": 1.0, "executables": 1.0, "hardware": 1.0}
	failed := object{"instance-identity": 99.0, "configuration": 99.0, "executables": 99.0, "hardware": 99.0}
	strange := object{"instance-identity": 97.0, "configuration": 0.0, "executables": 0.0, "hardware": 97.0}
	fine := object{"instance-identity": 2.0, "configuration": 2.0, "executables": 3.0, "hardware": 2.0}
	want := map[attestation.Reason]object{
		attestation.MalformedEvidence: unknown, attestation.UnsupportedAlgorithm: unknown, attestation.InvalidField: unknown, attestation.WrongDocumentKind: unknown,
		attestation.UntrustedRoot: strange, attestation.CertificateExpired: strange, attestation.CertificateNotYetValid: strange,
		attestation.InvalidChain: failed, attestation.BadSignature: failed,
		attestation.DebugMode:           {"instance-identity": 2.0, "configuration": 96.0, "executables": 96.0, "hardware": 2.0},
		attestation.MeasurementMismatch: {"instance-identity": 2.0, "configuration": 2.0, "executables": 96.0, "hardware": 2.0},
		attestation.NonceMismatch:       fine, attestation.Stale: fine, attestation.TimestampOutOfRange: fine,
		attestation.UserDataMismatch: fine, attestation.PublicKeyMismatch: fine, attestation.RegisterMismatch: fine,
	}
	seen := map[attestation.Reason]bool{}
	hypervisor := attestationtest.NewHypervisor()
	for _, m := range attestationtest.Mutations() {
		k, request := caseKit(t, hypervisor, m)
		if request == nil {
			continue
		}
		t.Run(m.Name, func(t *testing.T) {
			k.undescribed = seen[m.Reason]
			text := request["document"].(string)
			if decoded, err := input.Decode([]byte(text)); err != nil {
				k.refused(t, request, 400, "invalid-request") // not even bytes
				return
			} else if base64.StdEncoding.EncodeToString(decoded) != text {
				t.Skip("package input takes a wrapping off, and the document in it is a good one")
			}
			verdict := k.verify(t, request)
			assert.Equal(t, false, verdict["accepted"])
			assert.Equal(t, string(m.Reason), verdict["reason"])
			claims, submod := k.submod(t, verdict)
			assert.Equal(t, "contraindicated", claims["ear_status"])
			assert.Equal(t, "contraindicated", submod["ear_status"])
			assert.Equal(t, want[m.Reason], submod["ear_trustworthiness_vector"])
			seen[m.Reason] = true
		})
	}
	for reason := range want {
		assert.True(t, seen[reason], "no mutation for %s", reason)
	}
}

// caseKit returns a service that is set up for a mutation, and the request that
// brings it. The request is nil for mutations that a service cannot meet: they
// are about a nonce of another length or about NitroTPM.
func caseKit(t *testing.T, hypervisor *attestationtest.Hypervisor, m attestationtest.Mutation) (*kit, object) {
	if m.NitroTPM {
		return nil, nil
	}
	var c attestationtest.Case
	var challenged string
	k := newKit(t, func(k *kit) {
		nonce, err := k.config.Issuer.Issue(nil)
		require.NoError(t, err)
		challenged = nonce.String()
		arrange := m.Arrange
		m.Arrange = func(c *attestationtest.Case) {
			c.Nonce = nonce
			if arrange != nil {
				arrange(c)
			}
		}
		c = hypervisor.Case(m)
		k.write(t, "case.json", policyJSON(t, c.Policy.Images...))
		k.config.Policies, err = service.LoadPolicies(service.PoliciesConfig{Dir: k.dir, Logger: k.config.Logger, Build: func(string, []byte) (service.Policy, error) {
			verifier, err := attestation.NewVerifier(c.Config())
			return service.Policy{Verifier: verifier}, err
		}})
		require.NoError(t, err)
	})
	if base64.RawURLEncoding.EncodeToString(c.Nonce) != challenged {
		return nil, nil
	}
	request := object{"policy": "case", "challenge": challenged, "ear": "always", "document": base64.StdEncoding.EncodeToString(c.Document)}
	if c.MaxAge != 0 {
		request["max_age"] = int(c.MaxAge.Seconds())
	}
	if c.UserData != nil {
		request["user_data"] = hex.EncodeToString(c.UserData)
	}
	if c.PublicKey != nil {
		request["public_key"] = hex.EncodeToString(c.PublicKey)
	}
	if c.NoUserData {
		request["no_user_data"] = true
	}
	if c.NoPublicKey {
		request["no_public_key"] = true
	}
	if c.PCRs != nil {
		request["pcrs"] = c.PCRs
	}
	return k, request
}

func TestDebugModeThatIsAllowedIsAWarning(t *testing.T) {
	k := newKit(t, func(k *kit) {
		signed := pcr.ForCertificate([]byte("certificate"))
		k.hypervisor = attestationtest.NewHypervisor(attestationtest.WithDebugMode(), attestationtest.WithImage(pcr.Bank{8: signed}))
		k.write(t, "prod.json", policyJSON(t, pcr.Image{Name: "signed", PCRs: pcr.Bank{8: signed}}))
		k.config.Policies = k.load(t, attestation.Config{InsecureAllowDebug: true})
	})
	verdict := k.verify(t, with(k.good(t), "ear", "accepted"))
	assert.Equal(t, true, verdict["accepted"])
	claims, submod := k.submod(t, verdict)
	assert.Equal(t, "warning", claims["ear_status"])
	assert.Equal(t, "warning", submod["ear_status"])
	assert.Equal(t, object{"instance-identity": 2.0, "configuration": 32.0, "executables": 3.0, "hardware": 2.0}, submod["ear_trustworthiness_vector"])
	assert.Equal(t, true, submod["github.com/nitroattest/nitroattest"].(object)["debug"])
}

func TestNoncesThatAnEATCannotHoldAreHashed(t *testing.T) {
	k := newKit(t, func(k *kit) { k.config.MaxAge = time.Minute })
	for length, hashed := range map[int]bool{1: true, 7: true, 8: false, 64: false, 65: true, 512: true} {
		nonce := []byte(strings.Repeat("n", length))
		document := k.hypervisor.Attest(attestationtest.Request{Nonce: nonce})
		claims, submod := k.submod(t, k.verify(t, object{"policy": "prod", "max_age": 60, "ear": "accepted",
			"document": base64.StdEncoding.EncodeToString(document)}))
		assert.NotContains(t, claims, "eat_nonce", "the request had no challenge")
		want := nonce
		if hashed {
			sum := sha512.Sum384(nonce)
			want = sum[:]
		}
		assert.Equal(t, base64.RawURLEncoding.EncodeToString(want), submod["eat_nonce"], length)
	}
	document := k.hypervisor.Attest(attestationtest.Request{})
	_, submod := k.submod(t, k.verify(t, object{"policy": "prod", "max_age": 60, "ear": "accepted", "document": base64.StdEncoding.EncodeToString(document)}))
	assert.NotContains(t, submod, "eat_nonce")
}

func TestADocumentThatMayBeForgedTellsNothing(t *testing.T) {
	k := newKit(t)
	request := k.good(t)
	other := attestationtest.NewHypervisor()
	request["document"] = base64.StdEncoding.EncodeToString(other.Attest(attestationtest.Request{PublicKey: []byte("theirs"), Nonce: []byte("01234567")}))
	claims, submod := k.submod(t, k.verify(t, with(request, "ear", "always")))
	assert.Equal(t, request["challenge"], claims["eat_nonce"])
	assert.NotContains(t, submod, "eat_nonce")
	assert.Equal(t, object{"reason": "untrusted-root"}, submod["github.com/nitroattest/nitroattest"])
}

func TestWithoutAKeyThereAreNoResults(t *testing.T) {
	k := newKit(t, func(k *kit) { k.config.Signer = nil })
	_, set := k.send(t, "GET", "/v1/keys", "")
	assert.Empty(t, set["keys"])
	k.refused(t, with(k.good(t), "ear", "accepted"), 400, "not-allowed")
	assert.Equal(t, true, k.verify(t, with(k.good(t), "ear", "never"))["accepted"])
}

func TestParseSigner(t *testing.T) {
	key := newKey(t, elliptic.P384())
	sec1, err := x509.MarshalECPrivateKey(key)
	require.NoError(t, err)
	parameters := pem.EncodeToMemory(&pem.Block{Type: "EC PARAMETERS", Bytes: []byte{6, 5, 0x2b, 0x81, 4, 0, 0x22}})
	for name, data := range map[string][]byte{
		"PKCS #8": pkcs8(t, key),
		"SEC 1":   pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: sec1}),
		"openssl": append(parameters, pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: sec1})...),
	} {
		signer, err := service.ParseSigner(data, "")
		require.NoError(t, err, name)
		assert.NotNil(t, signer)
	}
	_, edwards, err := ed25519.GenerateKey(nil)
	require.NoError(t, err)
	for message, data := range map[string][]byte{
		"found no PEM block":            []byte("key"),
		"found a key on P-256":          pkcs8(t, newKey(t, elliptic.P256())),
		"found a ed25519.PrivateKey":    pkcs8(t, edwards),
		`found a PEM block "PUBLIC KEY`: pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: []byte{1}}),
		"asn1":                          pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: []byte{1}}),
	} {
		signer, err := service.ParseSigner(data, "")
		assert.ErrorContains(t, err, message)
		assert.Nil(t, signer)
	}
}

// The attested key, as Project Veraison's extension has it: of documents that are
// accepted, and of keys.
func TestTheAttestedKeyIsInTheResult(t *testing.T) {
	k := newKit(t)
	key, err := x509.MarshalPKIXPublicKey(&k.earKey.PublicKey)
	require.NoError(t, err)
	submod := func(publicKey []byte, expected string) object {
		c := k.challenge(t, "")
		request := object{"policy": "prod", "challenge": c, "ear": "always", "document": k.attest(t, c, attestationtest.Request{PublicKey: publicKey})}
		if expected != "" {
			request["public_key"] = hex.EncodeToString([]byte(expected))
		}
		_, submod := k.submod(t, k.verify(t, request))
		return submod
	}
	assert.Equal(t, object{"akpub": base64.RawURLEncoding.EncodeToString(key)}, submod(key, "")["ear_veraison_key_attestation"])
	for _, other := range [][]byte{nil, {}, []byte("key"), key[1:], append(key[:len(key):len(key)], 0), make([]byte, 32)} {
		assert.NotContains(t, submod(other, ""), "ear_veraison_key_attestation")
	}
	refused := submod(key, "another")
	assert.Equal(t, "contraindicated", refused["ear_status"])
	assert.NotContains(t, refused, "ear_veraison_key_attestation")
}

// Who expects the profile of before gets its results.
func TestTheEarlierProfile(t *testing.T) {
	k := newKit(t)
	require.ErrorContains(t, k.config.Signer.UseProfile("tag:ietf.org,2026:rats/ear#05"), "expected")
	require.NoError(t, k.config.Signer.UseProfile(service.EARProfile03))
	key, err := x509.MarshalPKIXPublicKey(&k.earKey.PublicKey)
	require.NoError(t, err)
	c := k.challenge(t, "")
	claims, submod := k.submod(t, k.verify(t, object{"policy": "prod", "challenge": c, "ear": "accepted",
		"document": k.attest(t, c, attestationtest.Request{PublicKey: key})}))
	assert.Equal(t, "tag:ietf.org,2026:rats/ear#03", claims["eat_profile"])
	assert.Equal(t, "affirming", submod["ear_status"])
	assert.Contains(t, submod, "ear_veraison_key_attestation")
}
