package api

import (
	"encoding/json"
	"errors"

	"github.com/nitroattest/nitroattest/internal/settings"
	"github.com/nitroattest/nitroattest/pcr/eif"
	"github.com/nitroattest/nitroattest/pcr/uki"
)

// Failure is an error as JavaScript sees it.
type Failure struct {
	Message  string    `json:"message"`
	Reason   string    `json:"reason,omitempty"`   // why an image cannot be measured
	Mistakes []Mistake `json:"mistakes,omitempty"` // in the settings
}

// Mistake is one in the settings.
type Mistake struct {
	Setting string `json:"setting"` // its name, or empty for the settings as a whole
	Path    string `json:"path"`    // the rest of the path to what is wrong, "[0]" for example
	Message string `json:"message"`
	Hint    string `json:"hint"`
}

// FailureOf returns an error in JSON.
func FailureOf(err error) []byte {
	f := Failure{Message: err.Error()}
	var mistakes settings.Mistakes
	var one *settings.Mistake
	switch {
	case errors.As(err, &mistakes):
	case errors.As(err, &one):
		mistakes = settings.Mistakes{one}
	}
	for _, m := range mistakes {
		f.Mistakes = append(f.Mistakes, Mistake{m.Setting, m.Path, m.Error(), m.Hint})
	}
	var enclave *eif.Error
	var kernel *uki.Error
	switch {
	case errors.As(err, &enclave):
		f.Reason = string(enclave.Reason)
	case errors.As(err, &kernel):
		f.Reason = string(kernel.Reason)
	}
	out, err := json.Marshal(f)
	if err != nil { // cannot be: strings alone
		return []byte(`{"message":"unknown"}`)
	}
	return out
}
