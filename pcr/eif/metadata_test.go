package eif_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/nitroattest/nitroattest/pcr/eif"
)

func withMetadata(text string) []byte {
	return assemble(4, kernel, cmdline, boot, part{kind: 5, data: []byte(text)})
}

func TestInvalidMetadata(t *testing.T) {
	for name, c := range map[string]struct{ text, detail string }{
		"empty":             {"", "ends too early"},
		"no JSON":           {"ImageName: n", "breaks at line 1, column 1"},
		"an array":          {"[]", "found [, expected {"},
		"a string":          {`"x"`, "found x, expected {"},
		"not UTF-8":         {"{\"ImageName\":\"\xff\"}", "found invalid UTF-8"},
		"a key twice":       {`{"ImageName":"a","ImageName":"b"}`, `found the key "ImageName" twice`},
		"truncated":         {`{"ImageName":"a"`, "ends too early"},
		"truncated key":     {`{"Image`, "ends too early"},
		"truncated value":   {`{"ImageName":"a`, "ends too early"},
		"more after it":     {`{} {}`, "found more after the object, expected its end"},
		"nonsense after it": {`{} x`, "found more after the object, expected its end"},
		"zero after it":     {"{}\x00", "found more after the object, expected its end"},
	} {
		t.Run(name, func(t *testing.T) {
			e := requireReason(t, eif.InvalidMetadata, withMetadata(c.text))
			assert.Contains(t, e.Error(), "metadata section at offset 621: expected a JSON object: ")
			assert.Contains(t, e.Error(), c.detail)
		})
	}
}

func TestIncompleteMetadata(t *testing.T) {
	complete := string(metadata.data)
	for name, c := range map[string]struct{ text, missing string }{
		"an empty object":     {"{}", "ImageName, ImageVersion, BuildMetadata, DockerInfo"},
		"no name":             {strings.Replace(complete, `"ImageName":"n",`, "", 1), "ImageName"},
		"name in other case":  {strings.Replace(complete, "ImageName", "imagename", 1), "ImageName"},
		"version of a number": {strings.Replace(complete, `"ImageVersion":"1"`, `"ImageVersion":1`, 1), "ImageVersion"},
		"version of null":     {strings.Replace(complete, `"ImageVersion":"1"`, `"ImageVersion":null`, 1), "ImageVersion"},
		"no time":             {strings.Replace(complete, `"BuildTime":"b",`, "", 1), "BuildMetadata.BuildTime"},
		"tool twice":          {strings.Replace(complete, `"BuildTool":"t",`, `"BuildTool":"t","BuildTool":"t",`, 1), "BuildMetadata"},
		"no docker info":      {strings.Replace(complete, `"DockerInfo":null,`, "", 1), "DockerInfo"},
	} {
		t.Run(name, func(t *testing.T) {
			image := mustMeasure(t, withMetadata(c.text))
			if assert.Len(t, image.Warnings, 1) {
				assert.Equal(t, eif.Warning{Reason: eif.IncompleteMetadata,
					Detail: "describe-eif refuses the image, for the metadata lack " + c.missing}, image.Warnings[0])
			}
			assert.Equal(t, c.text, string(image.MetadataJSON))
		})
	}
	assert.Empty(t, mustMeasure(t, withMetadata(strings.Replace(complete, `,"CustomMetadata":null`, "", 1))).Warnings, "the format calls it optional")
}
