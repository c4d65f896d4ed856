package main

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/nitroattest/nitroattest/pcr"
	"github.com/nitroattest/nitroattest/pcr/eif"
)

// imageBuild makes an image file of a container image.
type imageBuild struct {
	std                   stdio
	container             containerFlags
	output, name, version string
	key, cert, signer     string
	buildTime             string
	asJSON                bool

	changed func(string) bool
}

func newBuild(std stdio) *cobra.Command {
	b := imageBuild{std: std}
	cmd := &cobra.Command{
		Use:   "build --oci IMAGE --blobs DIR -o FILE",
		Short: "Make an enclave image file of a container image, without Docker",
		Long: `Build writes the enclave image file (EIF) that nitro-cli build-enclave would make
of a container image: with the same registers, which measure --oci computes.

IMAGE is an OCI image layout or what docker save wrote; DIR holds the kernel
(bzImage, or Image for arm64), cmdline, init and nsm.ko of the version of
nitro-cli to match, and may hold bzImage.config for the metadata.

The file depends on these and on the flags alone: the same bytes every time, on
every machine. The time of building is in it only with --build-time. It is
written as a whole or not at all, after it was measured.

--sign-key and --sign-cert sign it; PCR8 is then that of the certificate. With
--signer CMD a program has the key: it gets the bytes to sign on standard input
and writes an ECDSA signature in ASN.1, as "openssl dgst -sha384 -sign key.pem"
does. CMD is split at spaces; no shell sees it. The hash goes by the curve of the
certificate: SHA-256, SHA-384 or SHA-512.

Exit status: 0 written; 2 misuse, or something could not be read or written, or
the image is not one that nitro-cli builds the same every time.`,
		Example: `  nitroattest build --oci image.tar --blobs /usr/share/nitro_enclaves/blobs -o enclave.eif
  nitroattest build --oci image.tar --blobs blobs -o enclave.eif --sign-key key.pem --sign-cert cert.pem`,
		Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error { return b.run() },
	}
	flags := cmd.Flags()
	b.container.register(flags)
	flags.StringVarP(&b.output, "output", "o", "", "write the image file to `FILE`")
	flags.StringVar(&b.name, "name", "", "`NAME` of the image in its metadata; without it, that of the container image")
	flags.StringVar(&b.version, "version", "", "`VERSION` of the image in its metadata; without it, the ID of the container image")
	flags.StringVar(&b.buildTime, "build-time", "", "time of building in the metadata, as `RFC3339`, or now; without it, none")
	flags.StringVar(&b.key, "sign-key", "", "`PEM` file with the ECDSA key to sign with")
	flags.StringVar(&b.cert, "sign-cert", "", "`PEM` file with the certificate of the key")
	flags.StringVar(&b.signer, "signer", "", "program `CMD` that signs, in place of --sign-key")
	flags.BoolVar(&b.asJSON, "json", false, "print the measurements as AWS's tools do")
	b.changed = flags.Changed
	return cmd
}

func (b *imageBuild) run() (err error) {
	for _, name := range []string{"oci", "blobs", "output"} {
		if !b.changed(name) {
			return fmt.Errorf("--%s: missing", name)
		}
	}
	if b.output == "-" {
		return hintf(errors.New("--output: an image is not written to standard output"), "it is measured again before it is put in place; give the name of a file")
	}
	built, err := b.time()
	if err != nil {
		return err
	}
	signing, err := b.signing()
	if err != nil {
		return err
	}
	c, err := b.container.open(b.std)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, c.Close()) }()
	spec := eif.Spec{
		Architecture: c.Architecture,
		Kernel:       c.blobs.kernel,
		CommandLine:  c.blobs.commandLine,
		Ramdisks:     []eif.Content{c.Boot, c.Application},
		Signing:      signing,
	}
	if spec.Metadata, err = b.metadata(c, built); err != nil {
		return err
	}
	expected, err := c.measure(b.std)
	if err != nil {
		return fmt.Errorf("--oci: %w", err)
	}
	image, err := b.write(spec, expected)
	if err != nil {
		return err
	}
	if b.asJSON {
		return printJSON(b.std.out, image.NitroCLI())
	}
	var out bytes.Buffer
	writeImage(&out, b.output, image)
	return printOut(b.std.out, bytes.Replace(out.Bytes(), []byte("MEASURED"), []byte("WRITTEN"), 1))
}

// write puts the file in place after it was found to be what it should be.
func (b *imageBuild) write(spec eif.Spec, expected pcr.Bank) (*eif.Image, error) {
	var image *eif.Image
	err := writeFileWith(b.output, func(file *os.File) error {
		err := eif.Write(file, spec)
		var wrong *eif.SpecError
		if errors.As(err, &wrong) {
			return inFlags(wrong)
		}
		if err != nil {
			return err
		}
		size, err := file.Seek(0, io.SeekEnd)
		if err != nil {
			return err
		}
		if image, err = eif.Measure(file, size); err != nil {
			return fmt.Errorf("what was written cannot be measured: %w", err)
		}
		for register, value := range expected {
			if found := image.Measurements[register]; found != value {
				return fmt.Errorf("what was written leads to PCR%d %v, expected %v", register, found, value)
			}
		}
		return nil
	})
	return image, err
}

// inFlags says a mistake in the words of the command line.
func inFlags(wrong *eif.SpecError) error {
	flag := map[string]string{
		"Kernel": "--blobs", "CommandLine": "--blobs: cmdline", "Ramdisks[0]": "--blobs", "Ramdisks[1]": "--oci",
		"Metadata": "--name, --version", "Signing.Key": "--sign-key", "Signing.Certificate": "--sign-cert",
	}[wrong.Field]
	if flag == "" {
		return wrong
	}
	err := fmt.Errorf("%s: %s", flag, wrong.Detail)
	if wrong.Err != nil {
		err = fmt.Errorf("%w: %w", err, wrong.Err)
	}
	return err
}

func (b *imageBuild) time() (string, error) {
	switch {
	case !b.changed("build-time"):
		return "", nil
	case b.buildTime == "now":
		return time.Now().UTC().Format(time.RFC3339), nil
	}
	if _, err := time.Parse(time.RFC3339, b.buildTime); err != nil {
		return "", fmt.Errorf("--build-time: found %q, expected now or a time like 2025-04-15T02:25:23Z", b.buildTime)
	}
	return b.buildTime, nil
}

func (b *imageBuild) signing() (*eif.Signing, error) {
	hasKey, hasCert, hasSigner := b.changed("sign-key"), b.changed("sign-cert"), b.changed("signer")
	switch {
	case hasKey && hasSigner:
		return nil, errors.New("--signer: given beside --sign-key, expected one of them")
	case !hasKey && !hasSigner && !hasCert:
		return nil, nil
	case !hasCert:
		return nil, errors.New("--sign-cert: missing: an image carries the certificate of the key that signs it")
	case !hasKey && !hasSigner:
		return nil, errors.New("--sign-cert: given without --sign-key or --signer")
	}
	certificate, err := b.std.read(b.cert, maxSignature)
	if err != nil {
		return nil, fmt.Errorf("--sign-cert: %s: %w", b.cert, err)
	}
	if hasKey {
		key, err := readSigningKey(b.key, b.std)
		if err != nil {
			return nil, fmt.Errorf("--sign-key: %s: %w", b.key, err)
		}
		return &eif.Signing{Key: key, Certificate: certificate}, nil
	}
	block, _ := pem.Decode(certificate)
	if block == nil || block.Type != "CERTIFICATE" {
		return nil, fmt.Errorf("--sign-cert: %s: expected a certificate in PEM", b.cert)
	}
	parsed, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("--sign-cert: %s: %w", b.cert, err)
	}
	return &eif.Signing{Key: &externalSigner{b.signer, parsed.PublicKey, b.std.err}, Certificate: certificate}, nil
}

// readSigningKey reads an ECDSA key, in either form that OpenSSL writes. The
// parameters of a curve may stand before it.
func readSigningKey(name string, std stdio) (crypto.Signer, error) {
	data, err := std.read(name, maxSignature)
	if err != nil {
		return nil, err
	}
	for {
		var block *pem.Block
		if block, data = pem.Decode(data); block == nil {
			return nil, errors.New("found no key, expected an ECDSA key in PEM, not encrypted")
		}
		switch block.Type {
		case "EC PRIVATE KEY":
			return x509.ParseECPrivateKey(block.Bytes)
		case "PRIVATE KEY":
			key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
			if err != nil {
				return nil, err
			}
			if key, ok := key.(*ecdsa.PrivateKey); ok {
				return key, nil
			}
			return nil, fmt.Errorf("found a key of type %T, expected an ECDSA key", key)
		}
	}
}

// metadata are those that nitro-cli writes, where the image says them. It adds
// what docker inspect prints; of that, here is what comes from the image.
func (b *imageBuild) metadata(c *container, built string) (eif.Metadata, error) {
	m := eif.Metadata{
		ImageName:    b.name,
		ImageVersion: b.version,
		BuildMetadata: eif.BuildMetadata{
			BuildTime: built, BuildTool: "nitroattest", BuildToolVersion: toolVersion(),
			OperatingSystem: c.blobs.system, KernelVersion: c.blobs.version,
		},
	}
	if !b.changed("name") {
		m.ImageName, _, _ = strings.Cut(c.title(), ":")
	}
	if !b.changed("version") {
		m.ImageVersion = strings.TrimPrefix(c.ImageID, "sha256:")
	}
	var config struct {
		Architecture string          `json:"architecture"`
		OS           string          `json:"os"`
		Created      *string         `json:"created,omitempty"`
		Config       json.RawMessage `json:"config"`
	}
	if err := json.Unmarshal(c.Config, &config); err != nil {
		return m, fmt.Errorf("--oci: %s: the configuration of the image: %w", c.file, err)
	}
	type layers struct {
		Type   string
		Layers []string
	}
	tags := []string{}
	if c.Name != "" {
		tags = append(tags, c.Name)
	}
	var err error
	m.DockerInfo, err = json.Marshal(struct {
		Id           string
		RepoTags     []string
		Created      *string `json:",omitempty"`
		Architecture string
		Os           string
		Config       json.RawMessage
		RootFS       layers
	}{c.ImageID, tags, config.Created, config.Architecture, config.OS, config.Config, layers{"layers", c.Layers}})
	return m, err
}

// toolVersion is the version of a release, and the same word for everything
// else: how the program was compiled must not show in what it writes.
func toolVersion() string {
	if v := version(); strings.HasPrefix(v, "v") && !strings.ContainsAny(v, "-+") {
		return v
	}
	return "devel"
}
