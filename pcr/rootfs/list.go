package rootfs

import (
	"cmp"
	"crypto/sha256"
	"crypto/sha512"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/nitroattest/nitroattest/pcr"
)

// Listing is what is in a ramdisk, for comparing it with another one: every
// entry, with a digest in place of its data.
type Listing struct {
	Size   int64     // of the ramdisk as it is stored, in bytes
	Digest pcr.Value // its SHA-384

	entries []listed
}

type listed struct {
	Entry
	content [sha256.Size]byte
	nth     int // of the entries with that name, from 0
}

// List reads a ramdisk to its end. One that is compressed with gzip or zstd is
// unpacked on the way. It may come from anywhere: nothing is written, and
// memory grows with the number of entries alone, of which there may be
// [MaxEntries]. An error is an [*Error].
func List(ramdisk io.Reader) (*Listing, error) {
	stored := &counted{in: ramdisk}
	whole := sha512.New384()
	all := io.TeeReader(stored, whole)
	unpacked, _, err := decompress(all)
	if errors.Is(err, errCompression) {
		return nil, &Error{Reason: UnsupportedCompression, Detail: err.Error()}
	}
	if err != nil {
		return nil, &Error{Reason: MalformedRamdisk, Detail: "cannot be unpacked", Err: err}
	}
	l := &Listing{}
	if err := l.read(NewReader(unpacked)); err != nil {
		return nil, err
	}
	if _, err := io.Copy(io.Discard, all); err != nil {
		return nil, &Error{Reason: Unreadable, Detail: "ramdisk", Err: err}
	}
	l.Size = stored.n
	l.Digest = pcr.Value(whole.Sum(nil))
	return l, nil
}

type counted struct {
	in io.Reader
	n  int64
}

func (c *counted) Read(p []byte) (int, error) {
	n, err := c.in.Read(p)
	c.n += int64(n)
	return n, err
}

func (l *Listing) read(r *Reader) error {
	names := map[string]int{}
	h := sha256.New()
	buf := make([]byte, readBuffer)
	for {
		e, err := r.Next()
		if err != nil {
			return err
		}
		if e == nil {
			return nil
		}
		if len(l.entries) == maxEntries {
			return &Error{Reason: TooManyEntries, Detail: fmt.Sprintf("found more than %d entries in a ramdisk", maxEntries)}
		}
		entry := listed{Entry: *e, nth: names[e.Name]}
		names[e.Name]++
		if e.Size > 0 && e.Target == "" {
			h.Reset()
			if _, err := io.CopyBuffer(h, struct{ io.Reader }{r}, buf); err != nil {
				return err
			}
			h.Sum(entry.content[:0])
		}
		l.entries = append(l.entries, entry)
	}
}

// Len returns the number of entries.
func (l *Listing) Len() int { return len(l.entries) }

// Has reports whether there is an entry of that name.
func (l *Listing) Has(name string) bool {
	return slices.ContainsFunc(l.entries, func(e listed) bool { return e.Name == name })
}

// Aspect names what of an entry differs.
type Aspect string

// The aspects of entries.
const (
	OnlyFirst  Aspect = "only-first"  // there is no such entry in the second ramdisk
	OnlySecond Aspect = "only-second" // there is no such entry in the first ramdisk
	Type       Aspect = "type"        // file, directory, link, device
	Content    Aspect = "content"
	Mode       Aspect = "mode"
	Owner      Aspect = "owner"
	Time       Aspect = "time"
	Target     Aspect = "target" // of a symbolic link
	Device     Aspect = "device"
	Order      Aspect = "order" // the first entry that comes at another place
	Form       Aspect = "form"  // the entries are equal, and the bytes around them are not: compression, inode numbers, padding
)

// Difference is one aspect in which two ramdisks differ.
type Difference struct {
	Aspect Aspect
	Name   string // of the entry; empty for Form
	First  string // what the first ramdisk has; empty if it has no such entry
	Second string
}

// Compare returns in what two ramdisks differ, by the names of the entries and
// then by aspects; nothing if they are the same byte for byte. Where a name is
// there several times, the first is compared with the first, and so on.
func (l *Listing) Compare(second *Listing) []Difference {
	if l.Size == second.Size && l.Digest == second.Digest {
		return nil
	}
	a, b := l.sorted(), second.sorted()
	var out []Difference
	for len(a) > 0 || len(b) > 0 {
		switch {
		case len(b) == 0 || len(a) > 0 && compareNames(l.entries[a[0]], second.entries[b[0]]) < 0:
			e := &l.entries[a[0]]
			out = append(out, Difference{OnlyFirst, e.Name, e.describe(), ""})
			a = a[1:]
		case len(a) == 0 || compareNames(l.entries[a[0]], second.entries[b[0]]) > 0:
			e := &second.entries[b[0]]
			out = append(out, Difference{OnlySecond, e.Name, "", e.describe()})
			b = b[1:]
		default:
			out = append(out, compareEntries(&l.entries[a[0]], &second.entries[b[0]])...)
			a, b = a[1:], b[1:]
		}
	}
	if d, ok := l.compareOrder(second); ok {
		out = append(out, d)
	}
	if len(out) == 0 {
		out = append(out, Difference{Form, "", fmt.Sprintf("%d bytes, SHA-384 %s", l.Size, l.Digest), fmt.Sprintf("%d bytes, SHA-384 %s", second.Size, second.Digest)})
	}
	return out
}

// sorted returns the places of the entries in the order of their names.
func (l *Listing) sorted() []int {
	places := make([]int, len(l.entries))
	for i := range places {
		places[i] = i
	}
	slices.SortFunc(places, func(i, j int) int { return compareNames(l.entries[i], l.entries[j]) })
	return places
}

func compareNames(a, b listed) int {
	return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.nth, b.nth))
}

func compareEntries(a, b *listed) (out []Difference) {
	add := func(aspect Aspect, first, second string) {
		if first != second {
			out = append(out, Difference{aspect, a.Name, first, second})
		}
	}
	add(Type, a.typeName(), b.typeName())
	if len(out) == 0 {
		if a.content != b.content || a.Size != b.Size && a.Target == "" && b.Target == "" {
			out = append(out, Difference{Content, a.Name, a.describeContent(), b.describeContent()})
		}
		add(Target, a.Target, b.Target)
	}
	add(Mode, fmt.Sprintf("%04o", a.Mode&permissions), fmt.Sprintf("%04o", b.Mode&permissions))
	add(Owner, fmt.Sprintf("%d:%d", a.UID, a.GID), fmt.Sprintf("%d:%d", b.UID, b.GID))
	add(Time, fmt.Sprint(a.Modified), fmt.Sprint(b.Modified))
	add(Device, fmt.Sprintf("%d:%d", a.Major, a.Minor), fmt.Sprintf("%d:%d", b.Major, b.Minor))
	return out
}

func (e *listed) typeName() string {
	switch kind(e.Mode & typeMask) {
	case kindRegular:
		return "file"
	case kindDirectory:
		return "directory"
	case kindSymlink:
		return "symbolic link"
	case kindCharacter:
		return "character device"
	case kindBlock:
		return "block device"
	case kindFifo:
		return "fifo"
	default:
		return fmt.Sprintf("type %o", e.Mode&typeMask)
	}
}

func (e *listed) describeContent() string {
	if e.Size == 0 {
		return "empty"
	}
	return fmt.Sprintf("%d bytes, SHA-256 %x", e.Size, e.content)
}

func (e *listed) describe() string {
	text := fmt.Sprintf("%s, mode %04o, owner %d:%d, time %d", e.typeName(), e.Mode&permissions, e.UID, e.GID, e.Modified)
	switch {
	case e.Target != "":
		text += ", to " + e.Target
	case e.IsRegular():
		text += ", " + e.describeContent()
	}
	return text
}

// compareOrder returns where the entries that both have first come in another
// order.
func (l *Listing) compareOrder(second *Listing) (Difference, bool) {
	type key struct {
		name string
		nth  int
	}
	have := make(map[key]bool, len(l.entries))
	for i := range l.entries {
		have[key{l.entries[i].Name, l.entries[i].nth}] = true
	}
	var common []key
	for i := range second.entries {
		if k := (key{second.entries[i].Name, second.entries[i].nth}); have[k] {
			common = append(common, k)
			have[k] = false
		}
	}
	// What is false now is in both.
	at := 0
	for i := range l.entries {
		k := key{l.entries[i].Name, l.entries[i].nth}
		if have[k] {
			continue
		}
		if other := common[at]; other != k {
			return Difference{Order, k.name, "before " + quote(other.name), "after " + quote(other.name)}, true
		}
		at++
	}
	return Difference{}, false
}
