package nsm

import (
	"github.com/fxamacker/cbor/v2"
)

// decoding refuses what could be read in two ways. Unknown keys are ignored,
// since newer modules may say more.
var decoding = func() cbor.DecMode {
	mode, _ := cbor.DecOptions{ // fails for contradictory options only
		DupMapKey:         cbor.DupMapKeyEnforcedAPF,
		FieldNameMatching: cbor.FieldNameMatchingCaseSensitive,
		IndefLength:       cbor.IndefLengthForbidden,
		TagsMd:            cbor.TagsForbidden,
	}.DecMode()
	return mode
}()

// call sends the request of the given name and decodes what the response holds
// into result. Without arguments the request is the name alone; without a
// result so is the response.
func (d *Device) call(name string, arguments, result any) error {
	var message any = name
	if arguments != nil {
		message = map[string]any{name: arguments}
	}
	request, err := cbor.Marshal(message)
	if err != nil {
		return during(name, err)
	}
	response, err := d.exchange(request)
	if err == nil {
		err = readResponse(response, name, result)
	}
	if err != nil {
		return during(name, err)
	}
	return nil
}

func readResponse(response []byte, name string, result any) error {
	var found string
	if decoding.Unmarshal(response, &found) == nil {
		if found != name || result != nil {
			return refuse(InvalidResponse, "found %.64q alone", found)
		}
		return nil
	}
	var members map[string]cbor.RawMessage
	if err := decoding.Unmarshal(response, &members); err != nil {
		return &Error{Reason: InvalidResponse, Detail: "reading the answer", Err: err}
	}
	if len(members) != 1 {
		return refuse(InvalidResponse, "found a map of %d entries, expected 1", len(members))
	}
	if refusal, ok := members["Error"]; ok {
		var reason string
		if err := decoding.Unmarshal(refusal, &reason); err != nil {
			return &Error{Reason: InvalidResponse, Detail: "reading the name of an error", Err: err}
		}
		return &Error{Reason: Reason(reason)}
	}
	value, ok := members[name]
	if !ok || result == nil {
		return refuse(InvalidResponse, "found the answer to another request")
	}
	if err := decoding.Unmarshal(value, result); err != nil {
		return &Error{Reason: InvalidResponse, Detail: "reading the answer", Err: err}
	}
	return nil
}
