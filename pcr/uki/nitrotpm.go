package uki

import "github.com/nitroattest/nitroattest/pcr"

// NitroTPMOutput is what AWS's nitro-tpm-pcr-compute prints, from version 1.1.0
// on, which added PCR12; and PCR13, which it leaves out and without which a
// policy would accept any system extension.
type NitroTPMOutput struct {
	Measurements NitroTPMMeasurements
}

// NitroTPMMeasurements are the registers of an image as AWS's tool names them.
type NitroTPMMeasurements struct {
	HashAlgorithm            string // "SHA384"; the EC2 User Guide shows "SHA384 { ... }", which the tool does not print
	PCR4, PCR7, PCR12, PCR13 pcr.Value
}

// NitroTPM returns the measurements in the form of AWS's tool.
func (i *Image) NitroTPM() NitroTPMOutput {
	return NitroTPMOutput{NitroTPMMeasurements{
		HashAlgorithm: "SHA384",
		PCR4:          i.Measurements[pcr.RegisterBootLoader],
		PCR7:          i.Measurements[pcr.RegisterSecureBoot],
		PCR12:         i.Measurements[pcr.RegisterCommandLine],
		PCR13:         i.Measurements[pcr.RegisterSystemExtensions],
	}}
}
