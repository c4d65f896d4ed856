package settings

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/nitroattest/nitroattest/internal/jsonplace"
	"github.com/nitroattest/nitroattest/pcr"
	"github.com/nitroattest/nitroattest/pcr/signedpolicy"
)

func (r *reader) readAll() {
	if text, ok := r.string(Kind); ok {
		if r.Kind = pcr.Kind(text); text == "" {
			r.failAt(Kind, "", r.members[Kind].offset, "empty, expected %q or %q", pcr.Enclave, pcr.NitroTPM)
		}
	}
	for key, into := range map[string]*bool{
		InsecureAnyImage: &r.AnyImage, InsecureAllowDebug: &r.AllowDebug, InsecureAnyModuleID: &r.AnyModuleID, Recorded: &r.Recorded,
		NoUserData: &r.NoUserData, NoPublicKey: &r.NoPublicKey,
	} {
		r.bool(key, into)
	}
	for key, into := range map[string]*[]byte{Nonce: &r.Nonce, UserData: &r.UserData, PublicKey: &r.PublicKey} {
		r.hex(key, into)
	}
	if seconds, ok := r.number(MaxAge, math.MaxInt64/int64(time.Second)); ok {
		r.MaxAge = time.Duration(seconds) * time.Second
	}
	if text, ok := r.string(At); ok {
		at, err := time.Parse(time.RFC3339, text)
		if err != nil {
			r.failAt(At, "", r.members[At].offset, "found %q, expected a time like 2025-04-15T02:25:23Z", text)
		}
		r.At = at
	}
	if v, ok := r.members[PCRs]; ok {
		if err := json.Unmarshal(v.raw, &r.PCRs); err != nil {
			r.failPCR(PCRs, v, err)
		}
	}
	r.readTrust()
	r.readPolicy()
}

// string reads a string, if the key is there.
func (r *reader) string(key string) (string, bool) {
	v, ok := r.members[key]
	if !ok {
		return "", false
	}
	return r.element(key, "", v)
}

// element reads one string, at a path in a setting.
func (r *reader) element(key, path string, v value) (string, bool) {
	var text string
	if v.raw[0] != '"' || json.Unmarshal(v.raw, &text) != nil {
		r.failAt(key, path, v.offset, "found %s, expected a string", kindOf(v.raw))
		return "", false
	}
	return text, true
}

func (r *reader) bool(key string, into *bool) {
	v, ok := r.members[key]
	switch {
	case !ok:
	case string(v.raw) == "true":
		*into = true
	case string(v.raw) != "false":
		r.failAt(key, "", v.offset, "found %s, expected true or false", kindOf(v.raw))
	}
}

// number reads a whole number from 1 on.
func (r *reader) number(key string, most int64) (int64, bool) {
	v, ok := r.members[key]
	if !ok {
		return 0, false
	}
	n, err := strconv.ParseInt(string(v.raw), 10, 64)
	if err != nil || n < 1 || n > most {
		found := kindOf(v.raw)
		if found == "a number" {
			found = string(v.raw)
		}
		r.failAt(key, "", v.offset, "found %s, expected a whole number from 1 to %d", found, most)
		return 0, false
	}
	return n, true
}

func (r *reader) hex(key string, into *[]byte) {
	text, ok := r.string(key)
	if !ok {
		return
	}
	value, err := hex.DecodeString(strings.TrimPrefix(text, "0x"))
	if err != nil {
		r.failAt(key, "", r.members[key].offset, "found a string of %d characters, expected an even number of hex digits", len([]rune(text)))
		return
	}
	*into = value
}

// array reads an array. Elements are handed on as they are.
func (r *reader) array(key string) ([]value, bool) {
	v, ok := r.members[key]
	if !ok {
		return nil, false
	}
	var raws []json.RawMessage
	if v.raw[0] != '[' || json.Unmarshal(v.raw, &raws) != nil {
		r.failAt(key, "", v.offset, "found %s, expected an array", kindOf(v.raw))
		return nil, false
	}
	if len(raws) == 0 {
		r.failAt(key, "", v.offset, "empty, expected at least one element, or no such key")
		return nil, false
	}
	elements := make([]value, len(raws))
	at := 0
	for i, raw := range raws {
		// Elements come in their order, each as it is written.
		at += bytes.Index(v.raw[at:], raw)
		elements[i] = value{raw, v.offset + at}
		at += len(raw)
	}
	return elements, true
}

// failPCR notes what package pcr says of a part of the settings, where it is.
func (r *reader) failPCR(setting string, v value, err error) {
	line, column := jsonplace.Position(r.text, v.offset)
	if v.raw[0] == '"' {
		line, column = 1, 1 // the text of a file, which has lines of its own
	}
	for _, wrong := range pcrErrors(err) {
		m := &Mistake{Setting: setting, Line: line, Column: column}
		if wrong.Line > 0 {
			if wrong.Line == 1 {
				m.Column = column + wrong.Column - 1
			} else {
				m.Column = wrong.Column
			}
			m.Line = line + wrong.Line - 1
		}
		if wrong.Field != "" {
			m.Path = "." + wrong.Field
			if strings.HasPrefix(wrong.Field, "[") {
				m.Path = wrong.Field
			}
		}
		told := *wrong
		told.Field, told.Line, told.Column = "", 0, 0
		m.Err = &told
		r.add(m)
	}
}

// pcrErrors returns each of the errors that package pcr tells at once.
func pcrErrors(err error) []*pcr.Error {
	if several, ok := err.(interface{ Unwrap() []error }); ok {
		var out []*pcr.Error
		for _, one := range several.Unwrap() {
			out = append(out, pcrErrors(one)...)
		}
		return out
	}
	var one *pcr.Error
	if !errors.As(err, &one) {
		one = &pcr.Error{Reason: pcr.MalformedPolicy, Err: err}
	}
	return []*pcr.Error{one}
}

func (r *reader) readPolicy() {
	keysText, signed := r.string(PolicyKeys)
	for _, key := range []string{PolicyThreshold, PolicyName} {
		if v, ok := r.members[key]; ok && !signed {
			r.failAt(key, "", v.offset, "given without %s", PolicyKeys)
		}
	}
	v, ok := r.members[Policy]
	if !ok {
		if signed {
			r.failAt(PolicyKeys, "", r.members[PolicyKeys].offset, "given without %s", Policy)
		}
		return
	}
	text := []byte(v.raw)
	if v.raw[0] == '"' {
		s, _ := r.string(Policy)
		text = []byte(s)
	}
	r.Origin = Origin{Name: "Policy", Value: "as given", File: text}
	if !signed {
		reading, err := pcr.Read(bytes.NewReader(text), r.readableKind())
		if err != nil {
			r.failPCR(Policy, v, err)
			if _, no := signedpolicy.ParseUnverified(text); no == nil {
				r.mistakes[len(r.mistakes)-1].Hint = fmt.Sprintf("this is a signed policy: %s says whose signatures count", r.name(PolicyKeys))
			}
		}
		r.Policy = reading.Policy
		return
	}
	r.readSigned(v, text, keysText)
}

// readableKind is Kind, unless that is a mistake of its own.
func (r *reader) readableKind() pcr.Kind {
	if r.Kind.Validate() != nil {
		return ""
	}
	return r.Kind
}

func (r *reader) readSigned(v value, envelope []byte, keysText string) {
	var vouching Vouching
	var err error
	if vouching.Keys, err = signedpolicy.ParsePublicKeys([]byte(keysText)); err != nil {
		r.failAt(PolicyKeys, "", r.members[PolicyKeys].offset, "").Err = err
		return
	}
	threshold, _ := r.number(PolicyThreshold, signedpolicy.MaxSignatures)
	vouching.Threshold = int(threshold)
	if name, ok := r.string(PolicyName); ok {
		if vouching.Name = name; name == "" {
			r.failAt(PolicyName, "", r.members[PolicyName].offset, "empty, expected the name of a policy")
		}
	}
	if r.broken(PolicyThreshold, PolicyName, At) {
		return
	}
	if !r.At.IsZero() {
		vouching.Now = func() time.Time { return r.At }
	}
	policy, voucher, err := vouching.Read(envelope)
	var m *Mistake
	if errors.As(err, &m) {
		r.failAt(m.Setting, "", r.members[m.Setting].offset, "%s", m.Detail)
		return
	}
	if err != nil {
		r.failAt(Policy, "", v.offset, "").Err = err
		return
	}
	r.Policy, r.Origin.Voucher = policy, voucher
}
