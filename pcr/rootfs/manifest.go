package rootfs

import (
	"bytes"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"hash"
	"strings"
)

const (
	indexFile      = "index.json"
	layoutFile     = "oci-layout"
	dockerManifest = "manifest.json"
)

// The media types of the OCI image specification, and those of Docker's
// registry API that mean the same.
const (
	ociIndex     = "application/vnd.oci.image.index.v1+json"
	ociManifest  = "application/vnd.oci.image.manifest.v1+json"
	ociConfig    = "application/vnd.oci.image.config.v1+json"
	dockerList   = "application/vnd.docker.distribution.manifest.list.v2+json"
	dockerSchema = "application/vnd.docker.distribution.manifest.v2+json"
	dockerConfig = "application/vnd.docker.container.image.v1+json"
)

// descriptor refers to a blob (OCI image specification, descriptor.md).
type descriptor struct {
	MediaType    string            `json:"mediaType"`
	ArtifactType string            `json:"artifactType"`
	Digest       string            `json:"digest"`
	Size         int64             `json:"size"`
	Platform     *platform         `json:"platform"`
	Annotations  map[string]string `json:"annotations"`
}

type platform struct {
	Architecture string `json:"architecture"`
	OS           string `json:"os"`
	Variant      string `json:"variant"`
}

func (p *platform) String() string {
	text := p.OS + "/" + p.Architecture
	if p.Variant != "" {
		text += "/" + p.Variant
	}
	return text
}

// manifest is an index, which has manifests, or the manifest of an image,
// which has a configuration and layers. A document that is both is refused.
type manifest struct {
	MediaType string          `json:"mediaType"`
	Manifests []descriptor    `json:"manifests"`
	Config    json.RawMessage `json:"config"`
	Layers    json.RawMessage `json:"layers"`

	config descriptor
	layers []descriptor
}

func (m *manifest) isIndex() bool { return m.Manifests != nil }

func parseManifest(data []byte) (*manifest, error) {
	m := &manifest{}
	if err := decodeObject(data, m, "mediaType", "manifests", "config", "layers"); err != nil {
		return nil, err
	}
	if m.isIndex() {
		if m.Config != nil || m.Layers != nil {
			return nil, fmt.Errorf("found manifests beside config or layers, expected an index or the manifest of an image")
		}
		return m, nil
	}
	if m.Config == nil {
		return nil, fmt.Errorf("found neither manifests nor config")
	}
	if err := json.Unmarshal(m.Config, &m.config); err != nil {
		return nil, fmt.Errorf("config: %w", err)
	}
	if m.Layers != nil {
		if err := json.Unmarshal(m.Layers, &m.layers); err != nil {
			return nil, fmt.Errorf("layers: %w", err)
		}
	}
	return m, nil
}

// hashFor returns the hash of a digest and its value.
func hashFor(digest string) (hash.Hash, []byte, error) {
	algorithm, digits, _ := strings.Cut(digest, ":")
	var h hash.Hash
	switch algorithm {
	case "sha256":
		h = sha256.New()
	case "sha512":
		h = sha512.New()
	default:
		return nil, nil, fmt.Errorf("found the digest %q, expected sha256:<64 hex digits> or sha512:<128 hex digits>", digest)
	}
	value, err := hex.DecodeString(digits)
	if err != nil || len(value) != h.Size() || digits != strings.ToLower(digits) {
		return nil, nil, fmt.Errorf("found the digest %q, expected %s: and %d lower-case hex digits", digest, algorithm, 2*h.Size())
	}
	return h, value, nil
}

func digestOf(data []byte) string {
	sum := sha256.Sum256(data)
	return "sha256:" + hex.EncodeToString(sum[:])
}

// blobName is where an OCI image layout has a blob. digest was checked.
func blobName(digest string) string {
	algorithm, digits, _ := strings.Cut(digest, ":")
	return "blobs/" + algorithm + "/" + digits
}

// readVerified reads a manifest or configuration and checks it against what
// refers to it.
func (b *builder) readVerified(f files, d descriptor) ([]byte, error) {
	h, want, err := hashFor(d.Digest)
	if err != nil {
		return nil, b.fail(UnsupportedDigest, "", "cannot be checked", err)
	}
	name := blobName(d.Digest)
	data, err := b.readJSON(f, name)
	if err != nil {
		return nil, err
	}
	if int64(len(data)) != d.Size {
		return nil, b.fail(DigestMismatch, name, fmt.Sprintf("found %d bytes, expected %d", len(data), d.Size), nil)
	}
	h.Write(data)
	if got := h.Sum(nil); !bytes.Equal(got, want) {
		return nil, b.fail(DigestMismatch, name, fmt.Sprintf("found the digest %x, expected %x", got, want), nil)
	}
	return data, nil
}
