package eif

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/nitroattest/nitroattest/internal/jsonplace"
)

// Metadata says how an image was built, in the words of whoever built it. No
// register covers it and the hypervisor does not read it. The two fields of any
// JSON are written as they are but for white space.
type Metadata struct {
	ImageName      string
	ImageVersion   string
	BuildMetadata  BuildMetadata
	DockerInfo     json.RawMessage // what docker inspect printed, or null
	CustomMetadata json.RawMessage // the builder's own, or null
}

// BuildMetadata says with what an image was built.
type BuildMetadata struct {
	BuildTime        string // RFC 3339 where AWS's tools wrote it
	BuildTool        string
	BuildToolVersion string
	OperatingSystem  string
	KernelVersion    string
}

func (i *Image) readMetadata(data []byte, offset int64) error {
	m, missing, err := parseMetadata(data)
	if err != nil {
		return &Error{Reason: InvalidMetadata, Where: "metadata section", Offset: offset,
			Detail: "expected a JSON object", Err: err}
	}
	i.Metadata, i.MetadataJSON = m, data
	if len(missing) > 0 {
		i.Warnings = append(i.Warnings, Warning{IncompleteMetadata,
			"describe-eif refuses the image, for the metadata lack " + strings.Join(missing, ", ")})
	}
	return nil
}

// parseMetadata returns the metadata and the names of the fields that the
// format demands and that are missing or of another type.
func parseMetadata(data []byte) (*Metadata, []string, error) {
	members, err := parseObject(data)
	if err != nil {
		return nil, nil, jsonplace.Explain(data, err)
	}
	m := &Metadata{DockerInfo: members["DockerInfo"], CustomMetadata: members["CustomMetadata"]}
	var missing []string
	text := func(members map[string]json.RawMessage, prefix, name string, to *string) {
		// null would leave the string alone without an error.
		if value := members[name]; len(value) == 0 || value[0] != '"' || json.Unmarshal(value, to) != nil {
			missing = append(missing, prefix+name)
		}
	}
	text(members, "", "ImageName", &m.ImageName)
	text(members, "", "ImageVersion", &m.ImageVersion)
	if build, err := parseObject(members["BuildMetadata"]); err != nil {
		missing = append(missing, "BuildMetadata")
	} else {
		b := &m.BuildMetadata
		text(build, "BuildMetadata.", "BuildTime", &b.BuildTime)
		text(build, "BuildMetadata.", "BuildTool", &b.BuildTool)
		text(build, "BuildMetadata.", "BuildToolVersion", &b.BuildToolVersion)
		text(build, "BuildMetadata.", "OperatingSystem", &b.OperatingSystem)
		text(build, "BuildMetadata.", "KernelVersion", &b.KernelVersion)
	}
	if m.DockerInfo == nil {
		missing = append(missing, "DockerInfo")
	}
	return m, missing, nil
}

// parseObject splits a JSON object into its members. Unmarshal into a map or
// struct would take the last of repeated keys, and for a struct keys in any
// case.
func parseObject(data []byte) (map[string]json.RawMessage, error) {
	if !utf8.Valid(data) {
		return nil, errors.New("found invalid UTF-8")
	}
	d := json.NewDecoder(bytes.NewReader(data))
	if start, err := d.Token(); err != nil {
		return nil, err
	} else if start != json.Delim('{') {
		return nil, fmt.Errorf("found %v, expected {", start)
	}
	members := map[string]json.RawMessage{}
	for d.More() {
		name, err := d.Token()
		if err != nil {
			return nil, err
		}
		key := name.(string) // the decoder lets nothing else through here
		if _, ok := members[key]; ok {
			return nil, fmt.Errorf("found the key %q twice", key)
		}
		var value json.RawMessage
		if err := d.Decode(&value); err != nil {
			return nil, err
		}
		members[key] = value
	}
	if _, err := d.Token(); err != nil {
		return nil, err
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, errors.New("found more after the object, expected its end")
	}
	return members, nil
}
