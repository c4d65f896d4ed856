package attestation_test

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/nitroattest/nitroattest/attestation"
	"github.com/nitroattest/nitroattest/pcr"
)

func TestRecordedDocumentsVerifyAsOfTheirTimestamp(t *testing.T) {
	t.Parallel()
	for _, r := range loadIndex(t) {
		t.Run(r.File, func(t *testing.T) {
			result, err := newVerifier(t, r.anyImage()).Verify(r.read(t), attestation.Expect{})
			if !r.Authentic {
				requireReason(t, cmp.Or(r.Reason, attestation.BadSignature), err)
				assert.Nil(t, result)
				return
			}
			require.NoError(t, err)
			r.assertDocument(t, result.Document)
			assert.Equal(t, r.Debug, result.Debug)
			assert.Equal(t, r.timestamp(), result.VerifiedAt)
			assert.Equal(t, r.Leaf.NotAfter, result.FreshUntil)
			assert.Zero(t, result.Image)
			r.assertChain(t, result)
		})
	}
}

func (r recorded) assertChain(t *testing.T, result *attestation.Result) {
	want := []string{r.Leaf.SHA256}
	for i := len(r.Chain) - 1; i >= 0; i-- {
		want = append(want, r.Chain[i].SHA256)
	}
	var got []string
	for _, cert := range result.Chain {
		digest := sha256.Sum256(cert.Raw)
		got = append(got, hex.EncodeToString(digest[:]))
	}
	assert.Equal(t, want, got)
}

// The documents that are not authentic decode like any other.
func TestRecordedDocumentsParse(t *testing.T) {
	t.Parallel()
	for _, r := range loadIndex(t) {
		u, err := attestation.ParseUnverified(r.read(t))
		require.NoError(t, err, r.File)
		r.assertDocument(t, u.Document)
		assert.Len(t, u.CABundle, 4)
		assert.Len(t, u.Certificate, r.Leaf.Size)
	}
}

func TestRecordedDebugDocumentsAreRefusedByDefault(t *testing.T) {
	t.Parallel()
	debug := 0
	for _, r := range authentic(t) {
		config := r.anyImage()
		config.InsecureAllowDebug = false
		result, err := newVerifier(t, config).Verify(r.read(t), attestation.Expect{})
		if !r.Debug {
			require.NoError(t, err, r.File)
			continue
		}
		debug++
		requireReason(t, attestation.DebugMode, err)
		assert.Nil(t, result)
	}
	assert.Equal(t, 10, debug)
}

func TestRecordedDocumentsOutsideTheirValidity(t *testing.T) {
	t.Parallel()
	for _, r := range authentic(t) {
		for _, at := range []struct {
			name   string
			now    time.Time
			reason attestation.Reason
		}{
			{"at leaf expiry", r.Leaf.NotAfter, ""},
			{"one second after leaf expiry", r.Leaf.NotAfter.Add(time.Second), attestation.CertificateExpired},
			{"a minute and a second before leaf notBefore", r.Leaf.NotBefore.Add(-attestation.DefaultClockSkew - time.Second), attestation.CertificateNotYetValid},
			{"today", time.Now(), attestation.CertificateExpired},
		} {
			t.Run(r.File+"/"+at.name, func(t *testing.T) {
				config := r.anyImage()
				config.Recorded = false
				config.Now = func() time.Time { return at.now }
				_, err := newVerifier(t, config).Verify(r.read(t), attestation.Expect{InsecureNoFreshness: true})
				if at.reason == "" {
					require.NoError(t, err)
					return
				}
				requireReason(t, at.reason, err)
			})
		}
	}
}

// A relying party whose clock is five seconds slow sees the leaf of a fresh
// document as one of the future. It accepts the document, as every other.
func TestRecordedDocumentsUnderASlowClock(t *testing.T) {
	t.Parallel()
	young := 0
	for _, r := range authentic(t) {
		slow := r.timestamp().Add(-5 * time.Second)
		config := r.anyImage()
		config.Recorded = false
		config.Now = func() time.Time { return slow }
		result, err := newVerifier(t, config).Verify(r.read(t), attestation.Expect{MaxAge: time.Minute})
		require.NoError(t, err, r.File)
		require.Equal(t, slow, result.VerifiedAt)
		if !r.Leaf.NotBefore.After(slow) {
			continue
		}
		young++
		config.Limits.ClockSkew = time.Millisecond
		_, err = newVerifier(t, config).Verify(r.read(t), attestation.Expect{MaxAge: time.Minute})
		requireReason(t, attestation.CertificateNotYetValid, err)
	}
	require.Greater(t, young, 10)
}

// A flipped byte anywhere in signed bytes has to be refused. Which reason it
// is depends on what the byte means, so each part allows those that can be.
func TestRecordedDocumentsWithAFlippedByte(t *testing.T) {
	t.Parallel()
	chain := []attestation.Reason{attestation.InvalidChain, attestation.CertificateExpired, attestation.CertificateNotYetValid}
	for i, r := range authentic(t) {
		if i%8 != 0 && testing.Short() {
			continue
		}
		v := newVerifier(t, r.anyImage())
		evidence := r.read(t)
		u, err := attestation.ParseUnverified(evidence)
		require.NoError(t, err)
		parts := []struct {
			name    string
			bytes   []byte
			reasons []attestation.Reason
		}{
			{"digest", []byte("SHA384"), []attestation.Reason{attestation.InvalidField}},
			{"module ID", []byte(u.Document.ModuleID), []attestation.Reason{attestation.InvalidChain, attestation.WrongDocumentKind}},
			{"signature", evidence[len(evidence)-96:], []attestation.Reason{attestation.BadSignature}},
			{"leaf", u.Certificate, chain},
			{"root", u.CABundle[0], []attestation.Reason{attestation.UntrustedRoot}},
			{"regional", u.CABundle[1], chain},
			{"zonal", u.CABundle[2], chain},
			{"instance", u.CABundle[3], chain},
		}
		for _, part := range parts {
			start := bytes.LastIndex(evidence, part.bytes)
			if part.name == "module ID" {
				start = bytes.Index(evidence, part.bytes)
			}
			require.Positive(t, start, part.name)
			for _, offset := range []int{0, len(part.bytes) / 3, len(part.bytes) / 2, len(part.bytes) - 1} {
				t.Run(fmt.Sprintf("%s/%s+%d", r.File, part.name, offset), func(t *testing.T) {
					flipped := bytes.Clone(evidence)
					flipped[start+offset] ^= 1
					_, err := v.Verify(flipped, attestation.Expect{})
					var refused *attestation.Error
					require.ErrorAs(t, err, &refused)
					assert.Contains(t, part.reasons, refused.Reason, err)
				})
			}
		}
	}
}

// A flipped bit in a register is in no certificate and breaks no rule of form:
// only the signature can tell.
func TestFlippedRegisterIsABadSignature(t *testing.T) {
	t.Parallel()
	for _, r := range authentic(t) {
		v := newVerifier(t, r.anyImage())
		evidence := r.read(t)
		u, err := attestation.ParseUnverified(evidence)
		require.NoError(t, err)
		value := u.Document.PCRs[4]
		start := bytes.Index(evidence, value[:])
		require.Positive(t, start)
		evidence[start+20] ^= 0x80
		_, err = v.Verify(evidence, attestation.Expect{})
		requireReason(t, attestation.BadSignature, err)
	}
}

// Facts of the attestation document format that hold for every recorded
// document and that checks rely on.
func TestRecordedDocumentsHaveTheDocumentedProfile(t *testing.T) {
	t.Parallel()
	for _, r := range authentic(t) {
		t.Run(r.File, func(t *testing.T) {
			evidence := r.read(t)
			assert.True(t, bytes.HasPrefix(evidence, []byte{0x84, 0x44, 0xa1, 0x01, 0x38, 0x22, 0xa0, 0x59}), "untagged, {1: -35}, empty map")
			payloadMap := map[string]byte{"definite": 0xa9, "indefinite": 0xbf}[r.PayloadMap]
			assert.Equal(t, payloadMap, evidence[10])

			u, err := attestation.ParseUnverified(evidence)
			require.NoError(t, err)
			d := u.Document
			counts := []int{16, 17, 32}
			if r.kind() == attestation.NitroTPM {
				counts = []int{24}
				assert.Equal(t, d.InstanceID()+"-tpm0000000000000000", d.ModuleID)
			} else {
				assert.Equal(t, pcr.ForInstance(d.InstanceID()), d.PCRs[pcr.RegisterInstance], "PCR4 follows from module_id")
				assert.Equal(t, r.Debug, d.PCRs.Debug())
			}
			assert.Contains(t, r.Leaf.Subject, "CN="+d.ModuleID+"."+r.Region+".aws,")
			assert.Contains(t, counts, len(d.PCRs))
			for _, level := range r.Chain {
				assert.Less(t, level.Size, 1024)
			}
			sinceLeaf := d.Timestamp.Sub(r.Leaf.NotBefore)
			assert.Positive(t, sinceLeaf)
			assert.Less(t, sinceLeaf, 3*time.Hour)
		})
	}
}

// AWS emits high values of s; refusing them would refuse genuine documents.
func TestSomeRecordedSignaturesHaveAHighS(t *testing.T) {
	t.Parallel()
	high := 0
	for _, r := range authentic(t) {
		evidence := r.read(t)
		if evidence[len(evidence)-48] >= 0x80 {
			high++
		}
	}
	assert.Positive(t, high)
}

// The table of provenance names every file with its digest, and nothing else.
func TestProvenanceOfRecordedDocuments(t *testing.T) {
	t.Parallel()
	readme, err := os.ReadFile(filepath.Join(evidenceDir, "README.md"))
	require.NoError(t, err)
	files, err := filepath.Glob(filepath.Join(evidenceDir, "*.cbor"))
	require.NoError(t, err)
	index := loadIndex(t)
	require.Len(t, index, len(files))
	require.GreaterOrEqual(t, len(files), 25)
	assert.Equal(t, len(files)+1, strings.Count(string(readme), "\n| "), "one row for each file, and the heading")
	for _, r := range index {
		digest := sha256.Sum256(r.read(t))
		assert.Equal(t, r.SHA256, hex.EncodeToString(digest[:]), r.File)
		assert.Contains(t, string(readme), fmt.Sprintf("| %s | `%s` |", r.File, r.SHA256))
	}
}

// What an auditor writes for an instance with NitroTPM, tried on the documents of
// real ones.
func TestRecordedDocumentsOfNitroTPM(t *testing.T) {
	var documents []recorded
	for _, r := range authentic(t) {
		if r.kind() == attestation.NitroTPM {
			documents = append(documents, r)
		}
	}
	require.Len(t, documents, 5)
	matches := map[string]int{}
	for _, r := range documents {
		u, err := attestation.ParseUnverified(r.read(t))
		require.NoError(t, err)
		bank := func(registers ...int) pcr.Bank {
			out := pcr.Bank{}
			for _, register := range registers {
				out[register] = u.Document.PCRs[register]
			}
			return out
		}
		for name, c := range map[string]struct {
			pcrs   pcr.Bank
			reason pcr.Reason // of a policy that cannot be used
		}{
			"image":                 {bank(4, 12, 13), ""},
			"image, nothing added":  {bank(4, 11, 12, 13, 14), ""},
			"image without PCR13":   {bank(4, 12), pcr.PinsNoCode},
			"PCR4 alone":            {bank(4), pcr.PinsNoCode},
			"firmware and the rest": {bank(0, 1, 2, 3, 5, 8, 9), pcr.PinsNoCode},
		} {
			policy := pcr.Policy{Kind: pcr.NitroTPM, Images: []pcr.Image{{Name: "v1", PCRs: c.pcrs}}}
			config := attestation.Config{Kind: attestation.NitroTPM, Policy: policy, Recorded: true}
			verifier, err := attestation.NewVerifier(config)
			if c.reason != "" {
				require.ErrorIs(t, err, c.reason, name)
				continue
			}
			require.NoError(t, err, name)
			for _, other := range documents {
				if _, err := verifier.Verify(other.read(t), attestation.Expect{}); err == nil {
					matches[name]++
				} else {
					requireReason(t, attestation.MeasurementMismatch, err)
				}
			}
		}
		// PCR7 says something where Secure Boot is on, and PCR23 only as zero.
		secure := pcr.Policy{Kind: pcr.NitroTPM, Images: []pcr.Image{{PCRs: bank(7, 13)}}}.Validate()
		off := strings.HasPrefix(r.File, "vaportpm")
		require.Equal(t, off, errors.Is(secure, pcr.PinsNoCode), r.File)
		reset := pcr.Policy{Kind: pcr.NitroTPM, Images: []pcr.Image{{PCRs: bank(4, 12, 13, 23)}}}.Validate()
		require.Equal(t, r.File == "vaportpm-799ae6.cbor", errors.Is(reset, pcr.InvalidRegister), r.File)

		_, err = newVerifier(t, anyImage()).Verify(r.read(t), attestation.Expect{})
		requireReason(t, attestation.WrongDocumentKind, err)
	}
	// Two instances booted one image, and one another image three times.
	assert.Equal(t, map[string]int{"image": 2*2 + 3*3, "image, nothing added": 2*2 + 3*3}, matches)
}
