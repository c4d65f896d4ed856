package uki

import (
	"crypto/sha512"

	"github.com/nitroattest/nitroattest/pcr"
)

// EventType is the type of an event as TPM event logs name it (TCG PC Client
// Platform Firmware Profile, "Event Types").
type EventType string

// The types of the events that Measure computes.
const (
	Action            EventType = "EV_EFI_ACTION"
	Separator         EventType = "EV_SEPARATOR"
	Application       EventType = "EV_EFI_BOOT_SERVICES_APPLICATION"
	VariableConfig    EventType = "EV_EFI_VARIABLE_DRIVER_CONFIG"
	VariableAuthority EventType = "EV_EFI_VARIABLE_AUTHORITY"
)

// Event is one extension of a register.
type Event struct {
	Register int       `json:"register"`
	Type     EventType `json:"type"`
	Detail   string    `json:"detail"` // the text of an action, "image" or "kernel", or the name of a variable
	Digest   Digest    `json:"digest"`
}

const callingApplication = "Calling EFI Application from Boot Option"

func newEvent(register int, kind EventType, detail string, data []byte) Event {
	return Event{register, kind, detail, sha512.Sum384(data)}
}

func separator(register int) Event { return newEvent(register, Separator, "", make([]byte, 4)) }

// bootEvents returns the events of PCR4.
func bootEvents(images []loaded) []Event {
	events := []Event{
		newEvent(pcr.RegisterBootLoader, Action, callingApplication, []byte(callingApplication)),
		separator(pcr.RegisterBootLoader),
	}
	for _, i := range images {
		events = append(events, Event{pcr.RegisterBootLoader, Application, i.name, i.digest})
	}
	return events
}

// replay returns the registers after the events. PCR12 has none.
func replay(events []Event) pcr.Bank {
	bank := pcr.Bank{pcr.RegisterBootLoader: {}, pcr.RegisterSecureBoot: {}, pcr.RegisterCommandLine: {}, pcr.RegisterSystemExtensions: {}}
	for _, e := range events {
		bank[e.Register] = bank[e.Register].Extend(e.Digest[:])
	}
	return bank
}
