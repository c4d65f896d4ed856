package vectors_test

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/nitroattest/nitroattest/internal/conformance/kit"
	"github.com/nitroattest/nitroattest/internal/vectors"
)

// schema checks values against the part of JSON Schema that the schema file
// uses. Keywords that it does not know are errors.
type schema struct {
	root     map[string]any
	patterns map[string]*regexp.Regexp
}

func (s schema) check(at string, rule map[string]any, value any) error {
	for keyword, argument := range rule {
		ok := true
		switch keyword {
		case "title", "description", "$schema", "$defs":
		case "$ref":
			name := strings.TrimPrefix(argument.(string), "#/$defs/")
			return s.check(at, s.root["$defs"].(map[string]any)[name].(map[string]any), value)
		case "type":
			types, several := argument.([]any)
			if !several {
				types = []any{argument}
			}
			ok = slices.Contains(types, any(typeOf(value)))
		case "oneOf":
			matching := 0
			var err error
			for _, rule := range argument.([]any) {
				if e := s.check(at, rule.(map[string]any), value); e != nil {
					err = e
				} else {
					matching++
				}
			}
			if matching != 1 {
				return fmt.Errorf("%s: %d of the rules of oneOf hold, expected one: %w", at, matching, err)
			}
		case "const":
			ok = value == argument
		case "enum":
			ok = slices.Contains(argument.([]any), value)
		case "minimum":
			n, number := value.(float64)
			ok = !number || n >= argument.(float64)
		case "minItems":
			ok = float64(len(value.([]any))) >= argument.(float64)
		case "pattern":
			text, isText := value.(string)
			if s.patterns[argument.(string)] == nil {
				s.patterns[argument.(string)] = regexp.MustCompile(argument.(string))
			}
			ok = !isText || s.patterns[argument.(string)].MatchString(text)
		case "required":
			object, isObject := value.(map[string]any)
			for _, name := range argument.([]any) {
				_, there := object[name.(string)]
				ok = ok && (!isObject || there)
			}
		case "items":
			for i, element := range value.([]any) {
				if err := s.check(fmt.Sprintf("%s[%d]", at, i), argument.(map[string]any), element); err != nil {
					return err
				}
			}
		case "properties", "additionalProperties":
			if err := s.checkMembers(at, rule, value); err != nil {
				return err
			}
		default:
			return fmt.Errorf("the schema has the keyword %q, which this test does not know", keyword)
		}
		if !ok {
			return fmt.Errorf("%s: %v violates %s %v", at, value, keyword, argument)
		}
	}
	return nil
}

func (s schema) checkMembers(at string, rule map[string]any, value any) error {
	object, _ := value.(map[string]any)
	known, _ := rule["properties"].(map[string]any)
	for name, member := range object {
		inner, ok := known[name].(map[string]any)
		if !ok {
			inner, ok = rule["additionalProperties"].(map[string]any)
		}
		if !ok {
			return fmt.Errorf("%s: unknown key %q", at, name)
		}
		if err := s.check(at+"."+name, inner, member); err != nil {
			return err
		}
	}
	return nil
}

func typeOf(value any) string {
	switch v := value.(type) {
	case map[string]any:
		return "object"
	case []any:
		return "array"
	case string:
		return "string"
	case float64:
		if v == math.Trunc(v) {
			return "integer"
		}
		return "number"
	case bool:
		return "boolean"
	default:
		return "null"
	}
}

func decode(t *testing.T, path string) map[string]any {
	t.Helper()
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	var out map[string]any
	require.NoError(t, json.Unmarshal(data, &out))
	return out
}

func TestFileFollowsItsSchema(t *testing.T) {
	t.Parallel()
	root := decode(t, "../../testdata/vectors/vectors.schema.json")
	s := schema{root, map[string]*regexp.Regexp{}}
	file := decode(t, path)
	require.NoError(t, s.check("file", root, file))

	// The schema can tell.
	test := file["testGroups"].([]any)[0].(map[string]any)["tests"].([]any)[0].(map[string]any)
	for key, value := range map[string]any{"reason": "some-reason", "unknown": "key", "evidence": "no base64!", "tcId": 0.5, "flags": []any{}} {
		before, had := test[key]
		test[key] = value
		assert.Error(t, s.check("file", root, file), key)
		delete(test, key)
		if had {
			test[key] = before
		}
	}
	require.NoError(t, s.check("file", root, file))
}

// What the conformance kit writes and reads is in the schema too.
func TestKitFollowsTheSchema(t *testing.T) {
	t.Parallel()
	root := decode(t, "../../testdata/vectors/vectors.schema.json")
	s := schema{root, map[string]*regexp.Regexp{}}
	rule := func(name string) map[string]any { return root["$defs"].(map[string]any)[name].(map[string]any) }
	value := func(v any) map[string]any {
		data, err := json.Marshal(v)
		require.NoError(t, err)
		var out map[string]any
		require.NoError(t, json.Unmarshal(data, &out))
		return out
	}
	for i, c := range kit.Cases(read(t)) {
		if i%every() == 0 {
			require.NoError(t, s.check("case", rule("case"), value(c)))
		}
	}
	require.NoError(t, s.check("verdict", rule("verdict"), value(kit.Verdict{ID: 1, Result: vectors.Invalid, Reason: "stale"})))
	require.Error(t, s.check("verdict", rule("verdict"), map[string]any{"tcId": 1.0, "result": "accepted"}))
}

// The schema lists the reasons of package attestation.
func TestSchemaListsTheReasons(t *testing.T) {
	t.Parallel()
	defs := decode(t, "../../testdata/vectors/vectors.schema.json")["$defs"].(map[string]any)
	var listed []string
	for _, reason := range defs["reason"].(map[string]any)["enum"].([]any) {
		listed = append(listed, reason.(string))
	}
	assert.ElementsMatch(t, append(reasons(t), ""), listed)
}
