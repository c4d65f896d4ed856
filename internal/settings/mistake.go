package settings

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// The settings, by the names that they have in JSON.
const (
	Kind                = "kind"
	Policy              = "policy"
	PolicyKeys          = "policy_keys"
	PolicyThreshold     = "policy_threshold"
	PolicyName          = "policy_name"
	InsecureAnyImage    = "insecure_any_image"
	InsecureAllowDebug  = "insecure_allow_debug"
	InsecureAnyModuleID = "insecure_any_module_id"
	Nonce               = "nonce"
	MaxAge              = "max_age"
	Recorded            = "recorded"
	At                  = "at"
	UserData            = "user_data"
	PublicKey           = "public_key"
	NoUserData          = "no_user_data"
	NoPublicKey         = "no_public_key"
	PCRs                = "pcrs"
	Roots               = "roots"
	Partition           = "partition"
	CRLs                = "crls"
	MissingCRL          = "missing_crl"
	Denied              = "denied"
)

// Mistake is one setting that cannot be used.
type Mistake struct {
	Setting string // one of the constants; empty: the settings as a whole
	// Path is the rest of the path to a value in the setting, ".16" of a register
	// for example.
	Path string
	// Line and Column are where it stands in the JSON, from 1. Zero: it was not
	// read from JSON.
	Line, Column int
	Detail       string // what was found and what was expected
	Hint         string // what to do about it, or empty
	Err          error  // the cause, or nil

	name     string // of the setting, in the words of the user; empty: Setting
	nameless bool   // the text says by itself what it is about
}

// Error returns "max_age (line 3, column 12): found 0, expected ...".
func (m *Mistake) Error() string {
	var parts []string
	where := cmp.Or(m.name, m.Setting) + m.Path
	if m.nameless {
		where = ""
	}
	if m.Line > 0 {
		at := fmt.Sprintf("line %d, column %d", m.Line, m.Column)
		if where == "" {
			where = at
		} else {
			where += " (" + at + ")"
		}
	}
	for _, part := range []string{where, m.Detail} {
		if part != "" {
			parts = append(parts, part)
		}
	}
	if m.Err != nil {
		parts = append(parts, m.Err.Error())
	}
	return strings.Join(parts, ": ")
}

// Unwrap returns the cause.
func (m *Mistake) Unwrap() error { return m.Err }

// Mistakes are everything that is wrong with settings.
type Mistakes []*Mistake

// Error tells all of them.
func (m Mistakes) Error() string {
	texts := make([]string, len(m))
	for i, mistake := range m {
		texts[i] = mistake.Error()
	}
	return strings.Join(texts, "; ")
}

// Unwrap makes errors.Is and errors.As look at each.
func (m Mistakes) Unwrap() []error {
	out := make([]error, len(m))
	for i, mistake := range m {
		out[i] = mistake
	}
	return out
}

// Fail notes that a setting was given and cannot be used.
func (a *Appraisal) Fail(setting, format string, args ...any) *Mistake {
	return a.add(&Mistake{Setting: setting, Detail: fmt.Sprintf(format, args...)})
}

// FailFor is Fail with a cause. A cause that is a Mistake by itself is noted as
// it is.
func (a *Appraisal) FailFor(setting string, err error) {
	var m *Mistake
	if !errors.As(err, &m) {
		m = &Mistake{Setting: setting, Err: err}
	}
	a.add(m)
}

// FailAs notes an error about a setting whose text says by itself what it is
// about, and where.
func (a *Appraisal) FailAs(setting string, err error) *Mistake {
	return a.add(&Mistake{Setting: setting, Err: err, nameless: true})
}

func (a *Appraisal) add(m *Mistake) *Mistake {
	m.name = a.name(m.Setting)
	if m.Line == 0 && a.place != nil && !m.nameless {
		m.Line, m.Column = a.place(m.Setting)
	}
	a.mistakes = append(a.mistakes, m)
	return m
}

// name is what the user calls a setting.
func (a *Appraisal) name(setting string) string {
	if a.Words == nil || setting == "" {
		return setting
	}
	return a.Words(setting)
}

// broken reports whether one of the settings was given and cannot be used.
func (a *Appraisal) broken(settings ...string) bool {
	for _, m := range a.mistakes {
		for _, setting := range settings {
			if m.Setting == setting {
				return true
			}
		}
	}
	return false
}

// Mistakes returns what was noted so far, in the order of the JSON, or nil.
func (a *Appraisal) Mistakes() error {
	if len(a.mistakes) == 0 {
		return nil
	}
	slices.SortStableFunc(a.mistakes, func(x, y *Mistake) int {
		return cmp.Or(cmp.Compare(x.Line, y.Line), cmp.Compare(x.Column, y.Column))
	})
	return a.mistakes
}
