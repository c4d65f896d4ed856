package eif_test

import (
	"bytes"
	"crypto"
	"crypto/elliptic"
	"encoding/binary"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/nitroattest/nitroattest/pcr/eif"
)

// recordedSpec describes aws_unsigned.eif.
func recordedSpec(t testing.TB) eif.Spec {
	t.Helper()
	file := func(name string) eif.Content { return bytes.NewReader(testdata(t, "in/"+name)) }
	return eif.Spec{
		Architecture: eif.X8664,
		Kernel:       file("kernel"),
		CommandLine:  string(testdata(t, "in/cmdline")),
		Ramdisks:     []eif.Content{file("rd0"), file("rd1")},
		Metadata: eif.Metadata{
			ImageName: "kernel", ImageVersion: "1.0",
			BuildMetadata: eif.BuildMetadata{
				BuildTime: "2024-01-01T00:00:00+00:00", BuildTool: "t", BuildToolVersion: "0",
				OperatingSystem: "OS", KernelVersion: "kernel",
			},
		},
	}
}

func write(t testing.TB, spec eif.Spec) []byte {
	t.Helper()
	var out bytes.Buffer
	require.NoError(t, eif.Write(&out, spec))
	return out.Bytes()
}

func TestWriteEqualsAWS(t *testing.T) {
	for name, change := range map[string]func(*eif.Spec){
		"aws_unsigned.eif": func(*eif.Spec) {},
		"v4_aarch64.eif":   func(s *eif.Spec) { s.Architecture = eif.AArch64 },
		"v4_one_ramdisk.eif": func(s *eif.Spec) {
			s.Ramdisks = s.Ramdisks[:1]
		},
		"v4_three_ramdisks.eif": func(s *eif.Spec) {
			s.Ramdisks = append(s.Ramdisks, bytes.NewReader(testdata(t, "in/rd2")))
		},
	} {
		t.Run(name, func(t *testing.T) {
			spec := recordedSpec(t)
			change(&spec)
			assert.True(t, bytes.Equal(testdata(t, name), write(t, spec)))
		})
	}
}

// A signed image is that of AWS's builder but for the signature itself, which
// is random there.
func TestWriteSignedLikeAWS(t *testing.T) {
	key, certificate := recordedKey(t)
	spec := recordedSpec(t)
	spec.Signing = &eif.Signing{Key: key, Certificate: certificate}
	ours, theirs := write(t, spec), testdata(t, "aws_signed_es384.eif")
	image, recorded := mustMeasure(t, ours), mustMeasure(t, theirs)
	assert.Empty(t, image.Warnings)
	assert.Equal(t, recorded.Measurements, image.Measurements)
	assert.Equal(t, recorded.Signature, image.Signature)
	assert.Equal(t, recorded.Sections[:5], image.Sections[:5])
	assert.Equal(t, recorded.Sections[5].Offset, image.Sections[5].Offset)

	// The signature is the last 96 bytes of the section, of one or two bytes
	// each in CBOR; the size in the header and in the section counts them.
	beforeSignature := 13017 + sectionHeaderSize + 1619 - 2*96
	same := func(from, to int) {
		t.Helper()
		assert.Equal(t, theirs[from:to], ours[from:to])
	}
	same(0, sizesAt+8*5)
	same(sizesAt+8*6, crcOffset)
	same(headerSize, 13017+4)
	end := bytes.LastIndex(theirs, []byte{0x18, 0x58, 0x18, 0x60}) // 58 60: a byte string of 96
	require.GreaterOrEqual(t, end, beforeSignature-8)
	same(13017+sectionHeaderSize, end)
	assert.Equal(t, theirs[end:end+4], ours[end:end+4])
}

func TestWriteIsDeterministic(t *testing.T) {
	for _, curve := range []elliptic.Curve{elliptic.P256(), elliptic.P384(), elliptic.P521()} {
		t.Run(curve.Params().Name, func(t *testing.T) {
			key := newKey(t, curve)
			spec := recordedSpec(t)
			spec.Signing = &eif.Signing{Key: key, Certificate: certificateFor(t, key)}
			first := write(t, spec)
			assert.True(t, bytes.Equal(first, write(t, spec)))
			assert.Equal(t, "ES"+map[int]string{256: "256", 384: "384", 521: "512"}[curve.Params().BitSize],
				mustMeasure(t, first).Signature.Algorithm)
		})
	}
}

// remote is a key whose owner does not give it away.
type remote struct {
	crypto.Signer
	answer func(der []byte) ([]byte, error)
}

func (r remote) Sign(random io.Reader, digest []byte, opts crypto.SignerOpts) ([]byte, error) {
	if random == nil || opts.HashFunc() != crypto.SHA384 {
		return nil, errors.New("needs randomness and the hash")
	}
	der, err := r.Signer.Sign(random, digest, opts)
	if err != nil {
		return nil, err
	}
	return r.answer(der)
}

func TestWriteWithARemoteKey(t *testing.T) {
	key, certificate := recordedKey(t)
	spec := recordedSpec(t)
	spec.Signing = &eif.Signing{
		Key:         remote{key, func(der []byte) ([]byte, error) { return der, nil }},
		Certificate: append(bytes.Clone(certificate), certificate...),
	}
	image := mustMeasure(t, write(t, spec))
	assert.Equal(t, []eif.Reason{eif.ExtraSignatureData}, reasons(image.Warnings))

	refusal := errors.New("not today")
	for name, c := range map[string]struct {
		answer func([]byte) ([]byte, error)
		detail string
	}{
		"refuses":         {func([]byte) ([]byte, error) { return nil, refusal }, "signing: not today"},
		"no ASN.1":        {func([]byte) ([]byte, error) { return []byte("signature"), nil }, "found no ECDSA signature in ASN.1"},
		"wrong signature": {func(der []byte) ([]byte, error) { der[len(der)-1] ^= 1; return der, nil }, "does not verify"},
		"negative r":      {func([]byte) ([]byte, error) { return []byte{0x30, 6, 2, 1, 0xff, 2, 1, 1}, nil }, "negative integer"},
		"s beyond its length": {func([]byte) ([]byte, error) {
			return append([]byte{0x30, 56, 2, 1, 1, 2, 51, 1}, make([]byte, 50)...), nil
		}, "integer too large"},
	} {
		t.Run(name, func(t *testing.T) {
			spec.Signing.Key = remote{key, c.answer}
			var out bytes.Buffer
			err := eif.Write(&out, spec)
			require.ErrorContains(t, err, c.detail)
			assert.Zero(t, out.Len(), "nothing is written before the signature is there")
		})
	}
	spec.Signing.Key = remote{key, func([]byte) ([]byte, error) { return nil, refusal }}
	assert.ErrorIs(t, eif.Write(io.Discard, spec), refusal)
}

func TestWriteDefaultsAndMetadata(t *testing.T) {
	spec := recordedSpec(t)
	spec.DefaultMemory, spec.DefaultCPUs = 512<<20, 4
	spec.Metadata.ImageName = "a <b> & \"c\""
	spec.Metadata.DockerInfo = []byte(`{"Id": "sha256:0"}`)
	spec.Metadata.CustomMetadata = []byte(`[1]`)
	image := mustMeasure(t, write(t, spec))
	assert.EqualValues(t, 512<<20, image.DefaultMemory)
	assert.EqualValues(t, 4, image.DefaultCPUs)
	assert.Equal(t, "a <b> & \"c\"", image.Metadata.ImageName)
	assert.Contains(t, string(image.MetadataJSON), `"ImageName":"a <b> & \"c\""`, "as serde_json writes it")
	assert.JSONEq(t, `{"Id": "sha256:0"}`, string(image.Metadata.DockerInfo))

	spec.Metadata = *image.Metadata
	again := mustMeasure(t, write(t, spec))
	assert.Equal(t, image.MetadataJSON, again.MetadataJSON, "what was read can be written")
}

func TestSpecErrors(t *testing.T) {
	key, certificate := recordedKey(t)
	rsaLike := certificateFor(t, newKey(t, elliptic.P224()))
	many := func(n int) []eif.Content {
		list := make([]eif.Content, n)
		for i := range list {
			list[i] = strings.NewReader("r")
		}
		return list
	}
	for name, c := range map[string]struct {
		change        func(*eif.Spec)
		field, detail string
	}{
		"no architecture":          {func(s *eif.Spec) { s.Architecture = "" }, "Architecture", `found "", expected "x86_64" or "aarch64"`},
		"another architecture":     {func(s *eif.Spec) { s.Architecture = "arm64" }, "Architecture", `found "arm64"`},
		"no kernel":                {func(s *eif.Spec) { s.Kernel = nil }, "Kernel", "missing"},
		"empty kernel":             {func(s *eif.Spec) { s.Kernel = strings.NewReader("") }, "Kernel", "found 0 bytes, expected 1 to"},
		"kernel of negative size":  {func(s *eif.Spec) { s.Kernel = negative{} }, "Kernel", "found -1 bytes"},
		"kernel of any size":       {func(s *eif.Spec) { s.Kernel = io.NewSectionReader(nil, 0, 1<<62) }, "Kernel", "found 4611686018427387904 bytes"},
		"NUL in the command line":  {func(s *eif.Spec) { s.CommandLine = "a\x00b" }, "CommandLine", "found a NUL byte at 1"},
		"long command line":        {func(s *eif.Spec) { s.CommandLine = strings.Repeat("x", eif.MaxCommandLine+1) }, "CommandLine", "found 65537 bytes, expected 0 to 65536"},
		"no ramdisk":               {func(s *eif.Spec) { s.Ramdisks = nil }, "Ramdisks", "found 0, expected 1 to 28"},
		"29 ramdisks":              {func(s *eif.Spec) { s.Ramdisks = many(29) }, "Ramdisks", "found 29, expected 1 to 28"},
		"missing ramdisk":          {func(s *eif.Spec) { s.Ramdisks[1] = nil }, "Ramdisks[1]", "missing"},
		"metadata that is no JSON": {func(s *eif.Spec) { s.Metadata.DockerInfo = []byte("{") }, "Metadata", "cannot be written as JSON"},
		"long metadata":            {func(s *eif.Spec) { s.Metadata.ImageName = strings.Repeat("x", eif.MaxMetadata) }, "Metadata", "expected 0 to 1048576"},
		"no certificate":           {func(s *eif.Spec) { s.Signing = &eif.Signing{Key: key} }, "Signing.Certificate", "found no certificate"},
		"certificate on P-224":     {func(s *eif.Spec) { s.Signing = &eif.Signing{Key: key, Certificate: rsaLike} }, "Signing.Certificate", "found a key on P-224"},
		"no key":                   {func(s *eif.Spec) { s.Signing = &eif.Signing{Certificate: certificate} }, "Signing.Key", "missing"},
		"another key":              {func(s *eif.Spec) { s.Signing = &eif.Signing{Key: newKey(t, elliptic.P384()), Certificate: certificate} }, "Signing.Key", "found another key than the certificate's"},
		"long certificate": {func(s *eif.Spec) {
			s.Signing = &eif.Signing{Key: key, Certificate: append(bytes.Clone(certificate), make([]byte, 1<<17)...)}
		}, "Signing.Certificate", "expected at most 32768"},
	} {
		t.Run(name, func(t *testing.T) {
			spec := recordedSpec(t)
			c.change(&spec)
			var out bytes.Buffer
			err := eif.Write(&out, spec)
			var e *eif.SpecError
			require.ErrorAs(t, err, &e)
			assert.Equal(t, c.field, e.Field)
			assert.Contains(t, err.Error(), "image specification: "+c.field+": ")
			assert.Contains(t, err.Error(), c.detail)
			assert.Zero(t, out.Len())
		})
	}
	spec := recordedSpec(t)
	spec.Metadata.CustomMetadata = []byte("{")
	var cause *json.MarshalerError
	assert.ErrorAs(t, eif.Write(io.Discard, spec), &cause)

	spec = recordedSpec(t)
	spec.Ramdisks = many(28)
	spec.Signing = &eif.Signing{Key: key, Certificate: certificate}
	assert.Len(t, mustMeasure(t, write(t, spec)).Sections, 32)
}

// negative is shorter than nothing.
type negative struct{ io.ReaderAt }

func (negative) Size() int64 { return -1 }

// full takes some bytes and then no more.
type full struct{ left int }

func (f *full) Write(p []byte) (int, error) {
	if len(p) > f.left {
		return 0, io.ErrShortWrite
	}
	f.left -= len(p)
	return len(p), nil
}

func TestWriteErrors(t *testing.T) {
	for _, room := range []int{0, 547, 548, 560, 5559, 13016} {
		assert.ErrorIs(t, eif.Write(&full{room}, recordedSpec(t)), io.ErrShortWrite, room)
	}
	require.NoError(t, eif.Write(&full{13017}, recordedSpec(t)))

	key, certificate := recordedKey(t)
	for _, signing := range []*eif.Signing{nil, {Key: key, Certificate: certificate}} {
		spec := recordedSpec(t)
		spec.Signing = signing
		spec.Ramdisks[1] = io.NewSectionReader(strings.NewReader("short"), 0, 6)
		var out bytes.Buffer
		err := eif.Write(&out, spec)
		require.ErrorIs(t, err, io.ErrUnexpectedEOF)
		assert.Contains(t, err.Error(), "Ramdisks[1]: copied 5 of 6 bytes")
		assert.Zero(t, out.Len())
	}

	spec := recordedSpec(t)
	spec.Kernel = &changing{}
	assert.ErrorContains(t, eif.Write(io.Discard, spec), "a part changed while it was written")
}

// changing is other data at every read.
type changing struct{ reads uint64 }

func (c *changing) Size() int64 { return 8 }

func (c *changing) ReadAt(p []byte, offset int64) (int, error) {
	if offset != 0 {
		return 0, io.EOF
	}
	c.reads++
	return copy(p, binary.BigEndian.AppendUint64(nil, c.reads)), io.EOF
}
