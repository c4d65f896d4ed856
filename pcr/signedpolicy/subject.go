package signedpolicy

import (
	"crypto/sha256"
	"crypto/sha512"
	"encoding/hex"
	"fmt"
	"hash"
	"io"
	"strings"
)

// Subject is a file that a statement is about: an enclave image file, for
// example.
type Subject struct {
	Name string // for people; only Digest identifies the file

	// Digest has at least one entry, from the name of an algorithm to lower-case
	// hex digits (in-toto, "DigestSet"): "sha256", "sha384" and "sha512" are
	// those that CheckFile knows.
	Digest map[string]string
}

type subjectJSON struct {
	Name   string            `json:"name"`
	Digest map[string]string `json:"digest"`
}

// digests are the algorithms of files.
var digests = map[string]func() hash.Hash{
	"sha256": sha256.New,
	"sha384": sha512.New384,
	"sha512": sha512.New,
}

// SubjectOf reads a file to its end and returns the subject with its SHA-256.
func SubjectOf(name string, file io.Reader) (Subject, error) {
	h := sha256.New()
	if _, err := io.Copy(h, file); err != nil {
		return Subject{}, err
	}
	return Subject{Name: name, Digest: map[string]string{"sha256": hex.EncodeToString(h.Sum(nil))}}, nil
}

// CheckFile reports whether the statement is about the file, which it reads to
// its end. All digests of one subject that are of a known algorithm have to be
// those of the file, and there has to be one. Otherwise the error is an
// *[Error] with [OtherSubject]; a file that cannot be read gives another error.
func (s *Statement) CheckFile(file io.Reader) error {
	hashes := map[string]hash.Hash{}
	var writers []io.Writer
	for name, newHash := range digests {
		hashes[name] = newHash()
		writers = append(writers, hashes[name])
	}
	if _, err := io.Copy(io.MultiWriter(writers...), file); err != nil {
		return err
	}
	got := map[string]string{}
	for name, h := range hashes {
		got[name] = hex.EncodeToString(h.Sum(nil))
	}
	for _, subject := range s.Subjects {
		if subject.matches(got) {
			return nil
		}
	}
	return &Error{OtherSubject, fmt.Sprintf("found a file with SHA-256 %s, expected one of the %d subjects", got["sha256"], len(s.Subjects)), nil}
}

func (s Subject) matches(got map[string]string) bool {
	known := 0
	for name, digest := range s.Digest {
		if want, ok := got[name]; ok {
			if want != digest {
				return false
			}
			known++
		}
	}
	return known > 0
}

func readSubjects(to *[]Subject) func(value) error {
	return func(v value) error {
		err := v.elements(maxSubjects, func(v value) error {
			var s Subject
			err := v.object(
				field{name: "name", read: readText(&s.Name)},
				field{name: "digest", read: readDigests(&s.Digest)},
			)
			*to = append(*to, s)
			return err
		})
		if err == nil && len(*to) == 0 {
			err = v.errorf("empty, expected at least one file")
		}
		return err
	}
}

func readDigests(to *map[string]string) func(value) error {
	return func(v value) error {
		*to = map[string]string{}
		err := v.members(func(name string, v value) error {
			if _, ok := (*to)[name]; ok {
				return v.errorf("the key is given twice")
			}
			if len(*to) == maxDigests {
				return v.errorf("found more than %d digests, expected at most that", maxDigests)
			}
			text, err := v.text()
			if err != nil {
				return err
			}
			(*to)[name] = text
			return checkDigest(name, text, v)
		})
		if err == nil && len(*to) == 0 {
			err = v.errorf("empty, expected at least one digest")
		}
		return err
	}
}

func checkDigest(name, text string, v value) error {
	want := 0
	if newHash, ok := digests[name]; ok {
		want = 2 * newHash().Size()
	}
	if strings.Trim(text, "0123456789abcdef") != "" || text == "" || want != 0 && len(text) != want {
		if want == 0 {
			return v.errorf("found %s, expected lower-case hex digits", quoteShort(text))
		}
		return v.errorf("found %s, expected %d lower-case hex digits", quoteShort(text), want)
	}
	return nil
}
