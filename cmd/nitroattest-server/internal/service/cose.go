package service

import (
	"fmt"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/nitroattest/nitroattest/internal/settings"
)

// isCOSE reports whether the body is a document as it came, and the query all
// else.
func isCOSE(header http.Header) bool {
	types := header.Values("Content-Type")
	if len(types) != 1 || types[0] == jsonMedia {
		return false
	}
	media, _, err := mime.ParseMediaType(types[0])
	return err == nil && media == coseMedia
}

// readVerifyCOSE is as strict with the query as readJSON is with members.
func (s *Service) readVerifyCOSE(w http.ResponseWriter, r *http.Request, m *scratch, request *verifyRequest) error {
	_, parameters, _ := mime.ParseMediaType(r.Header.Get("Content-Type")) // isCOSE has read it
	if kind, ok := parameters["cose-type"]; ok && kind != "cose-sign1" {
		return &problem{kind: unsupportedMedia, detail: fmt.Sprintf("found the cose-type %q, expected cose-sign1 or none", kind)}
	}
	if len(r.Header.Values("Content-Encoding")) > 0 {
		return &problem{kind: unsupportedMedia, detail: "found a Content-Encoding, expected none"}
	}
	if err := request.fill(r.URL.RawQuery); err != nil {
		return err
	}
	if r.ContentLength == 0 {
		return invalid("body", "empty, expected a document")
	}
	if r.ContentLength > maxBody {
		return errTooLarge
	}
	document, err := m.readBody(w, r)
	if err != nil {
		return bodyProblem(err)
	}
	if len(document) == 0 {
		return invalid("body", "empty, expected a document")
	}
	request.Document.bytes = document
	return nil
}

// fill takes each member of a request once, with the names that they have in JSON.
func (r *verifyRequest) fill(query string) error {
	values, err := url.ParseQuery(query)
	if err != nil {
		return &problem{kind: invalidRequest, detail: "query: could not be read", err: err}
	}
	registers := map[string]string{}
	for _, name := range sortedKeys(values) {
		if len(values[name]) != 1 {
			return invalid("query", "found a parameter twice")
		}
		value := values[name][0]
		if register, ok := registerParameter(name); ok {
			registers[register] = value
			continue
		}
		switch name {
		case "policy":
			r.Policy = value
		case "challenge":
			r.Challenge = &value
		case "context":
			r.Context = &value
		case "user_data":
			r.UserData = &value
		case "public_key":
			r.PublicKey = &value
		case "no_user_data":
			r.NoUserData, err = queryBool(name, value)
		case "no_public_key":
			r.NoPublicKey, err = queryBool(name, value)
		case "ear":
			r.EAR = value
		case "report":
			r.Report = value
		case "max_age":
			seconds, err := strconv.ParseInt(value, 10, 64)
			if err != nil || strconv.FormatInt(seconds, 10) != value {
				return invalid("max_age", "found no whole number, expected seconds")
			}
			r.MaxAge = &seconds
		default:
			return invalid("query", "found a parameter that /openapi.json does not list")
		}
		if err != nil {
			return err
		}
	}
	r.PCRs, err = registersOfQuery(registers)
	return err
}

// registerParameter returns the register that a parameter such as pcrs[16] names.
func registerParameter(name string) (string, bool) {
	rest, found := strings.CutPrefix(name, settings.PCRs+"[")
	register, closed := strings.CutSuffix(rest, "]")
	return register, found && closed
}

func queryBool(name, value string) (bool, error) {
	if value != "true" && value != "false" {
		return false, invalid(name, "found something else, expected true or false")
	}
	return value == "true", nil
}
