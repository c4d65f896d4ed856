// Package sigstoretest is a Sigstore of a test's own, by sigstore-go's testing CA,
// that writes bundles and a trusted root in the form of files.
package sigstoretest

import (
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"testing"
	"time"

	protobundle "github.com/sigstore/protobuf-specs/gen/pb-go/bundle/v1"
	protocommon "github.com/sigstore/protobuf-specs/gen/pb-go/common/v1"
	protodsse "github.com/sigstore/protobuf-specs/gen/pb-go/dsse"
	protorekor "github.com/sigstore/protobuf-specs/gen/pb-go/rekor/v1"
	"github.com/sigstore/sigstore-go/pkg/root"
	"github.com/sigstore/sigstore-go/pkg/testing/ca"
	"github.com/sigstore/sigstore-go/pkg/tlog"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/encoding/protojson"
)

// Who signs the bundles.
const (
	Issuer   = "https://token.actions.githubusercontent.com"
	Identity = "https://github.com/example/enclave/.github/workflows/release.yml@refs/tags/v1.2.0"
)

// Instance is a Sigstore.
type Instance struct {
	t       testing.TB
	virtual *ca.VirtualSigstore
	Root    []byte // the trusted root, as JSON
}

// New returns a Sigstore without certificate logs: its Fulcio embeds no
// certificate timestamps.
func New(t testing.TB) *Instance {
	t.Helper()
	virtual, err := ca.NewVirtualSigstore()
	require.NoError(t, err)
	i := &Instance{t: t, virtual: virtual}
	i.Root = i.trustedRoot(nil)
	return i
}

// RootWithCertificateLogs returns a trusted root that asks for certificate
// timestamps.
func (i *Instance) RootWithCertificateLogs() []byte { return i.trustedRoot(i.virtual.CTLogs()) }

func (i *Instance) trustedRoot(certificateLogs map[string]*root.TransparencyLog) []byte {
	i.t.Helper()
	trusted, err := root.NewTrustedRoot(root.TrustedRootMediaType01, i.virtual.FulcioCertificateAuthorities(), certificateLogs, i.virtual.TimestampingAuthorities(), i.rekorLogs())
	require.NoError(i.t, err)
	data, err := trusted.MarshalJSON()
	require.NoError(i.t, err)
	return data
}

// rekorLogs mends the log's ID, which the virtual Sigstore gives in hex, so that
// it survives the form of a file.
func (i *Instance) rekorLogs() map[string]*root.TransparencyLog {
	logs := i.virtual.RekorLogs()
	for id, log := range logs {
		var err error
		log.ID, err = hex.DecodeString(id)
		require.NoError(i.t, err)
	}
	return logs
}

// Soon is a time within the ten minutes of the virtual certificates.
func Soon() time.Time { return time.Now().Add(5 * time.Minute) }

// Bundle signs a payload as if at the given time, and changes the bundle.
func (i *Instance) Bundle(payload []byte, at time.Time, change func(*protobundle.Bundle)) []byte {
	i.t.Helper()
	entity, err := i.virtual.AttestAtTime(Identity, Issuer, payload, at, true)
	require.NoError(i.t, err)
	verification, err := entity.VerificationContent()
	require.NoError(i.t, err)
	content, err := entity.SignatureContent()
	require.NoError(i.t, err)
	entries, err := entity.TlogEntries()
	require.NoError(i.t, err)
	timestamps, err := entity.Timestamps()
	require.NoError(i.t, err)
	raw := content.EnvelopeContent().RawEnvelope()
	signature, err := base64.StdEncoding.DecodeString(raw.Signatures[0].Sig)
	require.NoError(i.t, err)
	body, err := base64.StdEncoding.DecodeString(raw.Payload)
	require.NoError(i.t, err)
	entry := entries[0].TransparencyLogEntry()
	entry.KindVersion = &protorekor.KindVersion{Kind: "dsse", Version: "0.0.1"}
	promise, err := i.virtual.RekorSignPayload(tlog.RekorPayload{
		Body: base64.StdEncoding.EncodeToString(entry.CanonicalizedBody), IntegratedTime: entry.IntegratedTime,
		LogIndex: entry.LogIndex, LogID: hex.EncodeToString(entry.LogId.KeyId),
	})
	require.NoError(i.t, err)
	entry.InclusionPromise = &protorekor.InclusionPromise{SignedEntryTimestamp: promise}
	b := &protobundle.Bundle{
		MediaType: "application/vnd.dev.sigstore.bundle.v0.3+json",
		VerificationMaterial: &protobundle.VerificationMaterial{
			Content:     &protobundle.VerificationMaterial_Certificate{Certificate: certificate(verification.Certificate())},
			TlogEntries: []*protorekor.TransparencyLogEntry{entry},
			TimestampVerificationData: &protobundle.TimestampVerificationData{
				Rfc3161Timestamps: []*protocommon.RFC3161SignedTimestamp{{SignedTimestamp: timestamps[0]}},
			},
		},
		Content: &protobundle.Bundle_DsseEnvelope{DsseEnvelope: &protodsse.Envelope{
			Payload: body, PayloadType: raw.PayloadType,
			Signatures: []*protodsse.Signature{{Sig: signature}},
		}},
	}
	if change != nil {
		change(b)
	}
	data, err := protojson.Marshal(b)
	require.NoError(i.t, err)
	return data
}

func certificate(c *x509.Certificate) *protocommon.X509Certificate {
	return &protocommon.X509Certificate{RawBytes: c.Raw}
}
