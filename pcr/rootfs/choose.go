package rootfs

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// candidate is one image for one platform.
type candidate struct {
	names    []string // tags, as the archive has them
	manifest string   // digest; empty in a docker save archive
	platform platform

	config   []byte
	configOf imageConfig
	imageID  string
	layers   []layerBlob
}

// layerBlob is where a layer is stored.
type layerBlob struct {
	name      string // of the file
	digest    string // of the file; empty in a docker save archive, which states only the diff ID
	size      int64  // -1: not stated
	mediaType string
}

// title is how errors call the image.
func (c *candidate) title() string {
	if len(c.names) > 0 {
		return c.names[0]
	}
	if c.manifest != "" {
		return c.manifest
	}
	return c.imageID
}

// describeAll is for errors that list what there is.
func describeAll(all []*candidate) string {
	var out []string
	for _, c := range all {
		name := strings.Join(c.names, " ")
		if name == "" {
			name = c.title()
		}
		out = append(out, fmt.Sprintf("%s for %s (%s)", name, &c.platform, c.imageID))
	}
	const most = 50
	if len(out) > most {
		out = append(out[:most], fmt.Sprintf("and %d more", len(all)-most))
	}
	return strings.Join(out, ", ")
}

// choose returns the image that the configuration asks for. What docker save
// writes since version 25 is both an OCI image layout and the older form:
// then both have to hold the image.
func (b *builder) choose(f files) (*candidate, error) {
	var all, older []*candidate
	var err error
	hasIndex, hasManifest := f.exists(indexFile), f.exists(dockerManifest)
	if hasManifest {
		if older, err = b.dockerImages(f); err != nil {
			return nil, err
		}
		all = older
	}
	if hasIndex {
		if all, err = b.layoutImages(f); err != nil {
			return nil, err
		}
	}
	chosen, err := b.pick(all)
	if err != nil {
		return nil, err
	}
	if hasIndex && hasManifest && !slices.ContainsFunc(older, func(c *candidate) bool { return c.imageID == chosen.imageID }) {
		return nil, &Error{Reason: ManifestsDisagree, Image: chosen.title(),
			Detail: fmt.Sprintf("index.json leads to the configuration %s, manifest.json to %s", chosen.imageID, describeAll(older))}
	}
	return chosen, nil
}

func (b *builder) pick(all []*candidate) (*candidate, error) {
	fail := func(reason Reason, detail string) (*candidate, error) {
		return nil, b.fail(reason, "", detail, nil)
	}
	if len(all) == 0 {
		return fail(NotAnImage, "found no image in the archive")
	}
	left := all
	if want := b.config.Image; want != "" {
		left = slices.DeleteFunc(slices.Clone(left), func(c *candidate) bool { return !c.called(want) })
		if len(left) == 0 {
			return fail(ImageMissing, fmt.Sprintf("found no image %q; there is %s", want, describeAll(all)))
		}
	}
	if want := b.config.Platform; want != "" {
		named := left
		left = slices.DeleteFunc(slices.Clone(left), func(c *candidate) bool { return !c.platform.is(want) })
		if len(left) == 0 {
			return fail(PlatformMissing, fmt.Sprintf("found nothing for %q; there is %s", want, describeAll(named)))
		}
	}
	if len(left) > 1 {
		return fail(ImageAmbiguous, "found several images, expected the name or platform of one: "+describeAll(left))
	}
	return left[0], nil
}

// is reports whether p is the platform that was asked for; without a variant,
// any will do.
func (p *platform) is(want string) bool {
	return want == p.String() || want == p.OS+"/"+p.Architecture
}

func (c *candidate) called(want string) bool {
	if want == c.manifest || want == c.imageID {
		return true
	}
	return slices.ContainsFunc(c.names, func(name string) bool { return name == want || fullName(name) == fullName(want) })
}

// fullName adds what Docker leaves out of names for people.
func fullName(name string) string {
	first, _, slash := strings.Cut(name, "/")
	switch {
	case !slash:
		name = "docker.io/library/" + name
	case !strings.ContainsAny(first, ".:") && first != "localhost":
		name = "docker.io/" + name
	}
	if last := name[strings.LastIndexByte(name, '/')+1:]; !strings.Contains(last, ":") {
		name += ":latest"
	}
	return name
}

// dockerImages lists the images of a docker save archive.
func (b *builder) dockerImages(f files) ([]*candidate, error) {
	data, err := b.readJSON(f, dockerManifest)
	if err != nil {
		return nil, err
	}
	var entries []nested[dockerEntry]
	if err := json.Unmarshal(data, &entries); err != nil {
		return nil, b.fail(MalformedImage, dockerManifest, "expected a list of images", err)
	}
	var all []*candidate
	for _, n := range entries {
		entry := n.value
		if entry == nil {
			return nil, b.fail(MalformedImage, dockerManifest, "found null, expected an image", nil)
		}
		c := &candidate{names: entry.RepoTags}
		if c.config, err = b.readJSON(f, entry.Config); err != nil {
			return nil, err
		}
		c.imageID = digestOf(c.config)
		if stated, ok := digestInName(entry.Config); ok && stated != c.imageID {
			return nil, b.fail(DigestMismatch, entry.Config, "found the digest "+c.imageID+", expected that of its name", nil)
		}
		for _, name := range entry.Layers {
			c.layers = append(c.layers, layerBlob{name: name, size: -1})
		}
		if all, err = b.addImage(all, c); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// dockerEntry is an image in manifest.json of docker save.
type dockerEntry struct {
	Config   string
	RepoTags []string
	Layers   []string
}

func (dockerEntry) members() []string { return []string{"Config", "RepoTags", "Layers"} }

// digestInName returns the digest that a configuration is called after.
func digestInName(name string) (string, bool) {
	digits := strings.TrimSuffix(strings.TrimPrefix(name, "blobs/sha256/"), ".json")
	_, _, err := hashFor("sha256:" + digits)
	return "sha256:" + digits, err == nil
}

// Limits on an index: how deep, and how many entries.
const (
	maxDepth     = 4
	maxManifests = 1000
)

// layoutImages lists the images of an OCI image layout.
func (b *builder) layoutImages(f files) ([]*candidate, error) {
	version, err := b.readJSON(f, layoutFile)
	if err != nil {
		return nil, err
	}
	var layout struct{ ImageLayoutVersion string }
	if err := decodeObject(version, &layout, "imageLayoutVersion"); err != nil || layout.ImageLayoutVersion != "1.0.0" {
		return nil, b.fail(MalformedImage, layoutFile, fmt.Sprintf("found the version %q, expected \"1.0.0\"", layout.ImageLayoutVersion), err)
	}
	data, err := b.readJSON(f, indexFile)
	if err != nil {
		return nil, err
	}
	index, err := parseManifest(data)
	if err == nil && !index.isIndex() {
		err = errors.New("found the manifest of an image")
	}
	if err != nil {
		return nil, b.fail(MalformedImage, indexFile, "expected an index", err)
	}
	l := layoutReader{b: b, files: f}
	if err := l.index(index, nil, 1); err != nil {
		return nil, err
	}
	return l.all, nil
}

type layoutReader struct {
	b     *builder
	files files
	seen  int
	all   []*candidate
}

// index adds the images of an index, which all have the names that it was
// referred to by.
func (l *layoutReader) index(m *manifest, names []string, depth int) error {
	for _, d := range m.Manifests {
		if l.seen++; l.seen > maxManifests || depth > maxDepth {
			return l.b.fail(MalformedImage, indexFile, fmt.Sprintf("found more than %d manifests, or indexes %d deep", maxManifests, maxDepth), nil)
		}
		if !d.mayBeImage() {
			continue
		}
		if err := l.entry(d, append(slices.Clone(names), d.names()...), depth); err != nil {
			return err
		}
	}
	return nil
}

// mayBeImage reports whether a descriptor is of an image or an index. Beside
// images there are attestations about them and signatures.
func (d *descriptor) mayBeImage() bool {
	if d.Annotations["vnd.docker.reference.type"] != "" || d.ArtifactType != "" {
		return false
	}
	if d.Platform != nil && d.Platform.Architecture == "unknown" {
		return false
	}
	switch d.MediaType {
	case ociIndex, ociManifest, dockerList, dockerSchema, "":
		return true
	default:
		return false
	}
}

func (d *descriptor) names() []string {
	for _, key := range []string{"io.containerd.image.name", "org.opencontainers.image.ref.name"} {
		if name := d.Annotations[key]; name != "" {
			return []string{name}
		}
	}
	return nil
}

func (l *layoutReader) entry(d descriptor, names []string, depth int) error {
	data, err := l.b.readVerified(l.files, d)
	if err != nil {
		return err
	}
	name := blobName(d.Digest)
	m, err := parseManifest(data)
	if err != nil {
		return l.b.fail(MalformedImage, name, "expected an index or the manifest of an image", err)
	}
	isIndex := d.MediaType == ociIndex || d.MediaType == dockerList
	if d.MediaType != "" && isIndex != m.isIndex() || m.MediaType != "" && d.MediaType != "" && m.MediaType != d.MediaType {
		return l.b.fail(MalformedImage, name, fmt.Sprintf("found another kind of document, expected %s", d.MediaType), nil)
	}
	if m.isIndex() {
		return l.index(m, names, depth+1)
	}
	if m.config.MediaType != ociConfig && m.config.MediaType != dockerConfig {
		return nil // a signature or another artifact
	}
	c := &candidate{names: names, manifest: d.Digest}
	if c.config, err = l.b.readVerified(l.files, m.config); err != nil {
		return err
	}
	c.imageID = m.config.Digest
	for _, layer := range m.layers {
		if _, _, err := hashFor(layer.Digest); err != nil {
			return l.b.fail(UnsupportedDigest, name, "a layer cannot be checked", err)
		}
		c.layers = append(c.layers, layerBlob{blobName(layer.Digest), layer.Digest, layer.Size, layer.MediaType})
	}
	l.all, err = l.b.addImage(l.all, c)
	return err
}

// addImage adds an image, or its names to the same image.
func (b *builder) addImage(all []*candidate, c *candidate) ([]*candidate, error) {
	if err := c.parseConfig(); err != nil {
		return nil, &Error{Reason: MalformedImage, Image: c.title(), Detail: "expected the configuration of an image", Err: err}
	}
	for _, other := range all {
		if other.imageID == c.imageID && slices.Equal(other.layers, c.layers) {
			other.names = append(other.names, c.names...)
			return all, nil
		}
	}
	return append(all, c), nil
}
