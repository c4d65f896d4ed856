package service

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"

	"github.com/nitroattest/nitroattest/internal/settings"
	"github.com/nitroattest/nitroattest/pcr"
)

// readBinding reads what the exchange expects of the fields and the registers of
// the document, whichever image it is.
func (s *Service) readBinding(request *verifyRequest, x *exchange) error {
	var err error
	if x.expect.UserData, err = hexBytes(settings.UserData, request.UserData); err != nil {
		return err
	}
	if x.expect.PublicKey, err = hexBytes(settings.PublicKey, request.PublicKey); err != nil {
		return err
	}
	x.expect.NoUserData, x.expect.NoPublicKey = request.NoUserData, request.NoPublicKey
	given := len(request.PCRs) > 0 && !bytes.Equal(request.PCRs, jsonNull)
	if given {
		if x.expect.PCRs, err = readRegisters(request.PCRs); err != nil {
			return err
		}
	}
	if !given && !request.NoUserData && !request.NoPublicKey {
		return nil // and nothing can contradict itself
	}
	check := settings.Appraisal{
		Kind: s.config.Kind, PCRs: x.expect.PCRs,
		UserData: x.expect.UserData, PublicKey: x.expect.PublicKey,
		NoUserData: request.NoUserData, NoPublicKey: request.NoPublicKey,
	}
	if err := check.CheckExchange(); err != nil {
		return &problem{kind: invalidRequest, detail: err.Error()}
	}
	return nil
}

// readRegisters reads the member "pcrs" as policies have their registers.
func readRegisters(value []byte) (pcr.Bank, error) {
	var bank pcr.Bank
	err := bank.UnmarshalJSON(value)
	if err == nil {
		return bank, nil
	}
	var wrong *pcr.Error // the first
	if !errors.As(err, &wrong) {
		return nil, &problem{kind: invalidRequest, detail: settings.PCRs + ": could not be read", err: err}
	}
	// The line and the column would count within the member.
	path := []string{settings.PCRs}
	if wrong.Field != "" {
		path = append(path, wrong.Field)
	}
	return nil, invalid(strings.Join(path, "."), "%s", wrong.Detail)
}

// registersOfQuery turns parameters such as pcrs[16]=HEX into the member "pcrs".
func registersOfQuery(registers map[string]string) ([]byte, error) {
	if len(registers) == 0 {
		return nil, nil
	}
	return json.Marshal(registers)
}
