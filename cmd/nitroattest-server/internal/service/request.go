package service

import (
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

const (
	maxContext = 1024 // bytes of a context

	jsonMedia = "application/json"
	coseMedia = "application/cose" // RFC 9052, section 11.3
)

// readJSON decodes a body of one JSON object. Unlike encoding/json, the package
// takes a name in no other case and no name twice, so that no proxy in between
// reads another request than this service does, and it reads a document of some
// thousand characters in a third of the time. readJSON reports whether there was
// a body.
func readJSON(w http.ResponseWriter, r *http.Request, m *scratch, into any) (bool, error) {
	if r.ContentLength == 0 {
		return false, nil
	}
	if err := checkMedia(r.Header); err != nil {
		return false, err
	}
	if r.ContentLength > maxBody {
		return false, errTooLarge
	}
	data, err := m.readBody(w, r)
	if err != nil {
		return false, bodyProblem(err)
	}
	if err := json.Unmarshal(data, into, json.RejectUnknownMembers(true)); err != nil {
		return false, bodyProblem(err)
	}
	return true, nil
}

// checkMedia refuses a body that somebody who goes by its headers would read as
// something else than UTF-8 that begins here and now.
func checkMedia(header http.Header) error {
	types := header.Values("Content-Type")
	if len(types) != 1 {
		return &problem{kind: unsupportedMedia, detail: fmt.Sprintf("found %d Content-Types, expected application/json", len(types))}
	}
	if types[0] != jsonMedia { // nearly always it is
		media, parameters, err := mime.ParseMediaType(types[0])
		if err != nil || media != jsonMedia {
			return &problem{kind: unsupportedMedia, detail: "found another Content-Type, expected application/json"}
		}
		if charset, ok := parameters["charset"]; ok && !strings.EqualFold(charset, "utf-8") {
			return &problem{kind: unsupportedMedia, detail: "found another charset, expected utf-8 or none"}
		}
	}
	if len(header.Values("Content-Encoding")) > 0 {
		return &problem{kind: unsupportedMedia, detail: "found a Content-Encoding, expected none"}
	}
	return nil
}

// bodyProblem says what is wrong with a body. Its text names places and quotes no
// values.
func bodyProblem(err error) error {
	var large *http.MaxBytesError
	var syntax *jsontext.SyntacticError
	var member *json.SemanticError
	switch {
	case errors.As(err, &large):
		return errTooLarge
	case errors.Is(err, errBodyMemory):
		return errBodyMemory
	case bodyTimedOut(err):
		return &problem{kind: timedOut, detail: "body: did not come in time", err: err}
	case errors.Is(err, jsontext.ErrDuplicateName):
		return invalid("body", "found a member twice")
	case errors.Is(err, io.ErrUnexpectedEOF):
		return invalid("body", "found JSON that ends early")
	case errors.As(err, &syntax):
		return invalid("body", "found broken JSON at offset %d", syntax.ByteOffset)
	case errors.Is(err, json.ErrUnknownName):
		return invalid("body", "found a member that /openapi.json does not list")
	case errors.As(err, &member):
		return invalid("body", "found a JSON %s at %q, expected another type", kindName(member.JSONKind), string(member.JSONPointer))
	default:
		return &problem{kind: invalidRequest, detail: "body: could not be read", err: err}
	}
}

func kindName(kind jsontext.Kind) string {
	switch kind {
	case '{':
		return "object"
	case '[':
		return "array"
	}
	return kind.String()
}

func invalid(member, format string, args ...any) error {
	return &problem{kind: invalidRequest, detail: member + ": " + fmt.Sprintf(format, args...)}
}

// contextBytes returns nil when there is no context.
func contextBytes(text *string) ([]byte, error) {
	if text == nil {
		return nil, nil
	}
	if len(*text) == 0 || len(*text) > maxContext {
		return nil, invalid("context", "found %d bytes, expected 1 to %d, or null for none", len(*text), maxContext)
	}
	return []byte(*text), nil
}

// hexBytes returns nil for a member that is absent, and never for one that is
// there: an empty field and none are different things to expect.
func hexBytes(member string, text *string) ([]byte, error) {
	if text == nil {
		return nil, nil
	}
	value := make([]byte, hex.DecodedLen(len(*text)))
	if _, err := hex.Decode(value, []byte(*text)); err != nil {
		return nil, invalid(member, "found something else, expected hex digits")
	}
	return value, nil
}
