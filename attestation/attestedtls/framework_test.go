package attestedtls_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/nitroattest/nitroattest/attestation"
	"github.com/nitroattest/nitroattest/attestation/attestationtest"
	"github.com/nitroattest/nitroattest/attestation/attestedtls"
	"github.com/nitroattest/nitroattest/pcr"
)

// framework is a server with a document in the way of one framework, and the
// Config for it: the table of the package documentation.
type framework struct {
	name   string
	serve  func(w *world, certificate *x509.Certificate) http.HandlerFunc
	config func(*attestedtls.Config)
}

var frameworks = []framework{
	{"nitriding", func(w *world, certificate *x509.Certificate) http.HandlerFunc {
		// brave/nitriding-daemon: a nonce of exactly 20 bytes, base64, two hashes.
		return func(rw http.ResponseWriter, r *http.Request) {
			nonce, err := hex.DecodeString(r.URL.Query().Get("nonce"))
			if r.URL.Path != "/enclave/attestation" || err != nil || len(nonce) != 20 {
				http.Error(rw, "bad nonce", http.StatusBadRequest)
				return
			}
			userData, _ := attestedtls.CertificateMultihash([32]byte{}).Claim(certificate)
			fmt.Fprintln(rw, base64.StdEncoding.EncodeToString(w.Attest(attestationtest.Request{Nonce: nonce, UserData: userData})))
		}
	}, func(c *attestedtls.Config) {
		c.Path, c.NonceSize = "/enclave/attestation", 20
		c.Binding = attestedtls.CertificateMultihash([32]byte{})
	}},
	{"JSON for a nonce in the query", func(w *world, certificate *x509.Certificate) http.HandlerFunc {
		return func(rw http.ResponseWriter, r *http.Request) {
			nonce, _ := hex.DecodeString(r.URL.Query().Get("nonce"))
			document := w.Attest(attestationtest.Request{Nonce: nonce, UserData: certificate.RawSubjectPublicKeyInfo})
			json.NewEncoder(rw).Encode(map[string]any{"pcrs": map[string]string{"0": "00"}, "attestation": map[string][]byte{"document": document}})
		}
	}, func(c *attestedtls.Config) {
		c.Path, c.Binding, c.Decode = "/attestation", attestedtls.KeyInUserData(), attestedtls.DecodeJSON("attestation", "document")
	}},
	{"JSON for a nonce in JSON", func(w *world, certificate *x509.Certificate) http.HandlerFunc {
		return func(rw http.ResponseWriter, r *http.Request) {
			var body struct {
				Nonce []byte `json:"nonce_b64"`
			}
			if err := json.NewDecoder(r.Body).Decode(&body); err != nil || r.Method != http.MethodPost || r.Header.Get("Content-Type") != "application/json" {
				http.Error(rw, "bad", http.StatusBadRequest)
				return
			}
			userData, _ := attestedtls.KeyHash().Claim(certificate)
			json.NewEncoder(rw).Encode(map[string][]byte{"document": w.Attest(attestationtest.Request{Nonce: body.Nonce, UserData: userData})})
		}
	}, func(c *attestedtls.Config) {
		c.Path, c.Ask, c.Decode = "/attestation", attestedtls.AskJSON("nonce_b64"), attestedtls.DecodeJSON("document")
		c.Binding = attestedtls.KeyHash()
	}},
	{"hex without a nonce", func(w *world, certificate *x509.Certificate) http.HandlerFunc {
		document := w.Attest(attestationtest.Request{PublicKey: certificate.RawSubjectPublicKeyInfo})
		return func(rw http.ResponseWriter, r *http.Request) {
			if r.URL.RawQuery != "" {
				http.Error(rw, "no query", http.StatusBadRequest)
				return
			}
			fmt.Fprintf(rw, "%x\n", document)
		}
	}, func(c *attestedtls.Config) {
		c.Path, c.Decode, c.Binding = "/attestation/hex", attestedtls.DecodeHex, attestedtls.KeyInPublicKey()
		c.WithoutNonce, c.Expect.MaxAge = true, time.Hour
	}},
}

func TestFrameworks(t *testing.T) {
	t.Parallel()
	for _, f := range frameworks {
		t.Run(f.name, func(t *testing.T) {
			w := newWorld()
			identity := w.identity(t)
			mux := http.NewServeMux()
			config := w.config(t)
			f.config(&config)
			mux.HandleFunc(config.Path, f.serve(w, identity.Certificate()))
			mux.HandleFunc("/", func(rw http.ResponseWriter, r *http.Request) { io.WriteString(rw, "hello") })
			s := serve(t, identity, mux)
			response, body := get(t, client(t, config), s.url("/"))
			assert.Equal(t, "hello", body)
			result, ok := attestedtls.FromContext(response.Request.Context())
			require.True(t, ok)
			assert.Equal(t, w.Enclave().ModuleID(), result.Document.ModuleID)

			// The same document for the certificate of somebody else.
			other := newWorld().identity(t)
			mux = http.NewServeMux()
			mux.HandleFunc(config.Path, f.serve(w, identity.Certificate()))
			s = serve(t, other, mux)
			_, err := dial(t, config, s.address)
			assert.ErrorIs(t, err, attestedtls.NotBound)

			if config.WithoutNonce { // and one that is too old
				w.advance(time.Hour + time.Second)
				s = serve(t, identity, mux)
				_, err := dial(t, config, s.address)
				assert.ErrorIs(t, err, attestation.Stale)
			}
		})
	}
}

func TestDecoders(t *testing.T) {
	t.Parallel()
	nested := attestedtls.DecodeJSON("a", "b")
	for _, c := range []struct {
		decode     attestedtls.Decode
		body, want string
		text       string
	}{
		{attestedtls.DecodeHex, " 8443\n", "\x84C", ""},
		{attestedtls.DecodeHex, "844", "", "not hex"},
		{attestedtls.DecodeJSON(), `"hEM="`, "\x84C", ""},
		{nested, `{"c": [1, {"a": 2}], "a": {"x": null, "b": "hEM="}}`, "\x84C", ""},
		{nested, `{"a": {"b": "hEM"}}`, "", "not base64"},
		{nested, `{"a": {"b": 1}}`, "", "a.b: not a JSON string"},
		{nested, `{"a": {"b": null}}`, "", "a.b: not a JSON string"},
		{nested, `{"a": {"B": "hEM="}}`, "", "a.b: found no such member"},
		{nested, `{"a": {"b": "hEM=", "b": "hEM="}}`, "", "a.b: found twice"},
		{nested, `{"a": ["hEM="]}`, "", "a.b: not in a JSON object"},
		{nested, `{"a": {"b": "hEM="}} more`, "", "a: not JSON"},
		{nested, `{"a": {"b": "hEM="}`, "", "a: not JSON"},
		{nested, ``, "", "a: not JSON"},
	} {
		document, err := c.decode([]byte(c.body))
		if c.text == "" {
			require.NoError(t, err, c.body)
			assert.Equal(t, c.want, string(document), c.body)
			continue
		}
		assert.ErrorContains(t, err, c.text, c.body)
		assert.Nil(t, document)
	}
}

// A server that is no HTTP server, with the document in its certificate.
func TestDocumentInTheCertificate(t *testing.T) {
	t.Parallel()
	id := asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 32473, 1} // for documentation, RFC 5612
	w := newWorld()
	make := func(claimed, key *ecdsa.PrivateKey, wrap bool) tls.Certificate {
		spki, err := x509.MarshalPKIXPublicKey(claimed.Public())
		require.NoError(t, err)
		value := w.Attest(attestationtest.Request{PublicKey: spki})
		if wrap {
			value, err = asn1.Marshal(value)
			require.NoError(t, err)
		}
		template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "enclave"},
			ExtraExtensions: []pkix.Extension{{Id: id, Value: value}}}
		der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
		require.NoError(t, err)
		return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
	}
	start := func(certificate tls.Certificate) string {
		l, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{certificate}})
		require.NoError(t, err)
		t.Cleanup(func() { l.Close() })
		go func() {
			for conn, err := l.Accept(); err == nil; conn, err = l.Accept() {
				go func() { io.WriteString(conn, "hello"); conn.Close() }()
			}
		}()
		return l.Addr().String()
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	another, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	config := w.config(t)
	config.Binding, config.InCertificate = attestedtls.KeyInPublicKey(), attestedtls.CertificateExtension(id)
	config.WithoutNonce, config.Expect.MaxAge = true, time.Hour
	for _, wrap := range []bool{false, true} {
		conn, err := dial(t, config, start(make(key, key, wrap)))
		require.NoError(t, err)
		text, err := io.ReadAll(conn)
		require.NoError(t, err)
		assert.Equal(t, "hello", string(text), "nothing was asked before")
		conn.Close()
	}
	_, err = dial(t, config, start(make(another, key, false)))
	assert.ErrorIs(t, err, attestedtls.NotBound)
	config.InCertificate = attestedtls.CertificateExtension(asn1.ObjectIdentifier{1, 2, 3})
	address := start(make(key, key, false))
	_, err = dial(t, config, address)
	assert.ErrorIs(t, err, attestedtls.NoDocument)
	config.InCertificate, config.DocumentSize = attestedtls.CertificateExtension(id), 100
	_, err = dial(t, config, address)
	assert.ErrorIs(t, err, attestedtls.TooLarge)
	config.DocumentSize = 0
	w.advance(time.Hour + time.Second)
	_, err = dial(t, config, address)
	assert.ErrorIs(t, err, attestation.Stale)
}

// What the relying party expects beside policy and binding.
func TestExpectIsCarriedThrough(t *testing.T) {
	t.Parallel()
	w := newWorld()
	value, err := w.Enclave().NSM().ExtendPCR(16, []byte("the configuration"))
	require.NoError(t, err)
	for name, c := range map[string]struct {
		expect attestation.Expect
		want   error
	}{
		"register":          {attestation.Expect{PCRs: pcr.Bank{16: value}}, nil},
		"another register":  {attestation.Expect{PCRs: pcr.Bank{16: {1}}}, attestation.RegisterMismatch},
		"no public key":     {attestation.Expect{NoPublicKey: true}, nil},
		"public key":        {attestation.Expect{PublicKey: []byte("key")}, attestation.PublicKeyMismatch},
		"no user data":      {attestation.Expect{NoUserData: true}, attestation.UserDataMismatch},
		"nonce and age":     {attestation.Expect{MaxAge: time.Hour}, nil},
		"not within an age": {attestation.Expect{MaxAge: time.Nanosecond}, nil}, // the clock of the world stands still
	} {
		config := w.config(t)
		config.Expect = c.expect
		conn, err := dial(t, config, enclave(t, w.identity(t)).address)
		if c.want != nil {
			assert.ErrorIs(t, err, c.want, name)
			continue
		}
		require.NoError(t, err, name)
		conn.Close()
	}
}
