package nsm

import (
	"fmt"

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
		return fmt.Errorf("nsm: %s: %w", name, err)
	}
	response, err := d.exchange(request)
	if err == nil {
		err = readResponse(response, name, result)
	}
	if err != nil {
		return fmt.Errorf("nsm: %s: %w", name, err)
	}
	return nil
}

func readResponse(response []byte, name string, result any) error {
	var found string
	if decoding.Unmarshal(response, &found) == nil {
		if found != name || result != nil {
			return fmt.Errorf("%w: found %.64q alone", InvalidResponse, found)
		}
		return nil
	}
	var members map[string]cbor.RawMessage
	if err := decoding.Unmarshal(response, &members); err != nil {
		return fmt.Errorf("%w: %w", InvalidResponse, err)
	}
	if len(members) != 1 {
		return fmt.Errorf("%w: found a map of %d entries, expected 1", InvalidResponse, len(members))
	}
	if refusal, ok := members["Error"]; ok {
		var reason string
		if err := decoding.Unmarshal(refusal, &reason); err != nil {
			return fmt.Errorf("%w: Error: %w", InvalidResponse, err)
		}
		return Error(reason)
	}
	value, ok := members[name]
	if !ok || result == nil {
		return fmt.Errorf("%w: found the answer to another request", InvalidResponse)
	}
	if err := decoding.Unmarshal(value, result); err != nil {
		return fmt.Errorf("%w: %w", InvalidResponse, err)
	}
	return nil
}
