package kms

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode"
)

// decodeStrict reads one JSON value and refuses fields that v does not have.
func decodeStrict(data []byte, v any) error {
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		return err
	}
	if _, err := d.Token(); err != io.EOF {
		return errors.New("found more after the JSON value")
	}
	return nil
}

// checkPolicyJSON refuses what encoding/json would read as less than it says:
// names that are repeated, in whatever case, of which it would take the last,
// and null, which it would take for absent. Either could lose a condition. Names
// that are not ASCII are refused since some of them are equal to ASCII ones when
// case is ignored.
func checkPolicyJSON(data []byte) error {
	return checkPolicyValue(json.NewDecoder(bytes.NewReader(data)), 0)
}

func checkPolicyValue(d *json.Decoder, depth int) error {
	if depth > maxPolicyDepth {
		return fmt.Errorf("found more than %d levels", maxPolicyDepth)
	}
	token, err := d.Token()
	if err != nil {
		return err
	}
	delim, ok := token.(json.Delim)
	if !ok {
		if token == nil {
			return errors.New("found null")
		}
		return nil
	}
	seen := map[string]bool{}
	for d.More() {
		if delim == '{' {
			if err := checkName(d, seen); err != nil {
				return err
			}
		}
		if err := checkPolicyValue(d, depth+1); err != nil {
			return err
		}
	}
	_, err = d.Token()
	return err
}

func checkName(d *json.Decoder, seen map[string]bool) error {
	token, err := d.Token()
	if err != nil {
		return err
	}
	name, _ := token.(string) // the decoder lets no other name pass
	folded := strings.ToLower(name)
	switch {
	case strings.ContainsFunc(name, func(r rune) bool { return r > unicode.MaxASCII }):
		return fmt.Errorf("found the name %q, which is not ASCII", name)
	case seen[folded]:
		return fmt.Errorf("found %q twice in one object", name)
	}
	seen[folded] = true
	return nil
}

// stringList is one string or an array of them.
type stringList []string

func (l *stringList) UnmarshalJSON(data []byte) error {
	if bytes.HasPrefix(data, []byte(`"`)) {
		*l = make(stringList, 1)
		return json.Unmarshal(data, &(*l)[0])
	}
	var list []string
	if err := json.Unmarshal(data, &list); err != nil {
		return err
	}
	if len(list) == 0 {
		return errors.New("found an empty list or null, expected a string or a list of strings")
	}
	*l = list
	return nil
}
