package rootfs

import (
	"fmt"
	"strings"
)

// Reason names why an image was refused, or what a [Warning] is about. It is
// an error by itself, so that errors.Is(err, rootfs.DigestMismatch) says
// whether that was it.
type Reason string

// Error returns the name.
func (r Reason) Error() string { return string(r) }

// Reasons that speak of the image as a whole.
const (
	Unreadable              Reason = "unreadable"               // the reader failed, or the disk for intermediate data is full
	NotAnImage              Reason = "not-an-image"             // neither an OCI image layout nor what docker save writes
	MalformedImage          Reason = "malformed-image"          // an archive or a JSON file in it that is damaged, or that two readers could take differently
	ImageAmbiguous          Reason = "image-ambiguous"          // several images or platforms, and none was named
	ImageMissing            Reason = "image-missing"            // no image has the name that was asked for
	PlatformMissing         Reason = "platform-missing"         // no image is for the platform that was asked for
	ManifestsDisagree       Reason = "manifests-disagree"       // index.json and manifest.json of one archive lead to different images
	UnsupportedArchitecture Reason = "unsupported-architecture" // not linux on amd64 or arm64
	NoCommand               Reason = "no-command"               // neither Cmd nor Entrypoint
	WorkingDirInvalid       Reason = "working-dir-invalid"      // WorkingDir is not absolute, or leads to something that is no directory: Docker makes no container
	BlobMissing             Reason = "blob-missing"             // the image refers to a file that is not there
	UnsupportedDigest       Reason = "unsupported-digest"       // a digest that is not sha256:<64 hex> or sha512:<128 hex>
	DigestMismatch          Reason = "digest-mismatch"          // a manifest, configuration or layer has another size or digest than the image says
	DiffIDMismatch          Reason = "diff-id-mismatch"         // a layer unpacks to something else than the configuration says
	LayerCount              Reason = "layer-count"              // the manifest and the configuration have different numbers of layers
	InvalidBoot             Reason = "invalid-boot"             // init without nsm.ko, or the other way round
)

// Reasons that speak of a layer or of one entry of it.
const (
	UnsupportedCompression Reason = "unsupported-compression" // not gzip, zstd or none
	MalformedLayer         Reason = "malformed-layer"         // a layer that does not unpack, or is no tar archive
	UnsupportedType        Reason = "unsupported-type"        // an entry that is no file, directory, link, device or fifo
	PathOutside            Reason = "path-outside"            // a name or the target of a hard link that climbs out of the image
	PathTooLong            Reason = "path-too-long"           // a component above 255 bytes, or a path or link target above 4095
	PathThroughFile        Reason = "path-through-file"       // an entry below something that is no directory in the same layer
	HardLinkTarget         Reason = "hard-link-target"        // a hard link to what is not there, earlier in the same layer, or to a directory
	FieldOutOfRange        Reason = "field-out-of-range"      // an owner, device number or size that no ramdisk or file system can hold
	MalformedWhiteout      Reason = "malformed-whiteout"      // a whiteout that names nothing that could be removed
	WhiteoutOfEntry        Reason = "whiteout-of-entry"       // an entry, and after it a whiteout of the same name in one layer
	TooManyEntries         Reason = "too-many-entries"        // more than MaxEntries
)

// Reasons why AWS's builder does not make the same ramdisk every time, or not
// with every version of Docker. They are refusals, or warnings with
// [Config.InsecureAllowIrreproducible]; [Reason.Irreproducible] tells them
// from the others.
const (
	EmptyCommand      Reason = "empty-command"       // Cmd or Entrypoint is []: Docker up to 25 keeps that, Docker 29 leaves it out
	DuplicatePath     Reason = "duplicate-path"      // two entries for one path in a layer: the containerd store takes the last, graph drivers refuse
	MissingParent     Reason = "missing-parent"      // an entry below a directory without an entry of its own in the layer: its time is the clock's
	PathThroughLink   Reason = "path-through-link"   // an entry below a symbolic link of a lower layer
	WorkingDirMissing Reason = "working-dir-missing" // WorkingDir is not in the image: Docker makes it, with the time of the clock
	EntryOverWhiteout Reason = "entry-over-whiteout" // a whiteout, and after it an entry of the same name in one layer
	WhiteoutDevice    Reason = "whiteout-device"     // a character device 0:0, which overlay file systems take for a whiteout
	LinkTime          Reason = "link-time"           // a symbolic link with a time before 1970 or after 2262
	LinkedLinkTime    Reason = "linked-link-time"    // a hard link to a symbolic link that has another time
)

// Reasons that are only ever warnings: the ramdisk is the one that AWS's
// builder makes.
const (
	OpaqueRoot   Reason = "opaque-root"   // an opaque marker in the root: overlay file systems ignore it, Docker with vfs obeys it
	XattrDropped Reason = "xattr-dropped" // an extended attribute, a file capability for example: ramdisks have none
	EnvMissing   Reason = "env-missing"   // Env is null: nitro-cli before 1.3.0 then took Entrypoint in place of Cmd
	TimeTooLate  Reason = "time-too-late" // a time after 2106, which breaks the ramdisk: the kernel does not read on
	LinkDangles  Reason = "link-dangles"  // a hard link to a file that the builder leaves out: its symbolic link leads nowhere
)

// Irreproducible reports whether the ramdisk would depend on the clock or on
// the version of Docker.
func (r Reason) Irreproducible() bool {
	switch r {
	case EmptyCommand, DuplicatePath, MissingParent, PathThroughLink, WorkingDirMissing,
		EntryOverWhiteout, WhiteoutDevice, LinkTime, LinkedLinkTime:
		return true
	default:
		return false
	}
}

// Error says why an image was refused, and where.
type Error struct {
	Reason Reason
	Image  string // the name or digest of the image; empty before one is chosen
	Layer  int    // from 1, the lowest; 0: not in a layer
	Digest string // of that layer, as the image states it
	Path   string // in the layer, or in the archive when Layer is 0; may be empty
	Detail string
	Err    error // what caused it, or nil
}

// Error returns the reason, the place and the finding in one line.
func (e *Error) Error() string {
	text := string(e.Reason) + ": "
	if e.Image != "" {
		text += "image " + e.Image + ": "
	}
	text += place(e.Layer, e.Digest, e.Path) + e.Detail
	if e.Err != nil {
		text += ": " + e.Err.Error()
	}
	return text
}

// Is reports whether target is the reason.
func (e *Error) Is(target error) bool { return target == e.Reason }

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// place names a layer and a path in it, with a colon after each.
func place(layer int, digest, path string) string {
	var b strings.Builder
	if layer > 0 {
		fmt.Fprintf(&b, "layer %d", layer)
		if digest != "" {
			fmt.Fprintf(&b, " (%s)", digest)
		}
		b.WriteString(": ")
	}
	if path != "" {
		b.WriteString(quote(path) + ": ")
	}
	return b.String()
}

// quote leaves usual paths alone.
func quote(path string) string {
	for _, c := range []byte(path) {
		if c <= ' ' || c >= 0x7f || c == '"' {
			return fmt.Sprintf("%q", path)
		}
	}
	return path
}

// Warning says what a ramdisk depends on, or what AWS's builder drops.
type Warning struct {
	Reason Reason
	Layer  int    // from 1, the lowest; 0: not in a layer
	Digest string // of that layer
	Path   string // the first one; may be empty
	Count  int    // of places like this one in the image
	Detail string
}

// String returns the reason, the place and the finding in one line.
func (w Warning) String() string {
	text := string(w.Reason) + ": " + place(w.Layer, w.Digest, w.Path) + w.Detail
	if w.Count > 1 {
		text += fmt.Sprintf(" (and %d more)", w.Count-1)
	}
	return text
}
