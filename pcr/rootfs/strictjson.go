package rootfs

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// decodeObject decodes an object of a known form. Members of other names are
// passed over; one of a known name in another case, or a name that is there
// twice, is an error, for readers differ in what they make of those.
func decodeObject(data []byte, into any, known ...string) error {
	if !utf8.Valid(data) {
		return errors.New("found invalid UTF-8")
	}
	d := json.NewDecoder(bytes.NewReader(data))
	if start, err := d.Token(); err != nil || start != json.Delim('{') {
		return errors.New("expected a JSON object")
	}
	seen := map[string]bool{}
	for d.More() {
		token, err := d.Token()
		if err != nil {
			return errors.New("found damaged JSON")
		}
		name, _ := token.(string)
		if seen[name] {
			return fmt.Errorf("found the key %q twice", name)
		}
		seen[name] = true
		for _, k := range known {
			if name != k && strings.EqualFold(name, k) {
				return fmt.Errorf("found the key %q, expected %q", name, k)
			}
		}
		var value json.RawMessage
		if err := d.Decode(&value); err != nil {
			return errors.New("found damaged JSON")
		}
	}
	if _, err := d.Token(); err != nil {
		return errors.New("found damaged JSON")
	}
	if _, err := d.Token(); err != io.EOF {
		return errors.New("found more after the object, expected its end")
	}
	return json.Unmarshal(data, into)
}

// nested decodes a member that is an object by the same rules.
type nested[T interface{ members() []string }] struct{ value *T }

func (n *nested[T]) UnmarshalJSON(data []byte) error {
	if string(data) == "null" {
		n.value = nil
		return nil
	}
	n.value = new(T)
	return decodeObject(data, n.value, (*n.value).members()...)
}
