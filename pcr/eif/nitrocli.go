package eif

import "github.com/nitroattest/nitroattest/pcr"

// NitroCLIOutput is what nitro-cli build-enclave prints of an image, and part
// of what describe-eif and describe-enclaves print. It marshals to JSON that
// [pcr.ReadPolicy] reads.
type NitroCLIOutput struct {
	Measurements NitroCLIMeasurements
}

// NitroCLIMeasurements are the registers of an image as nitro-cli names them.
type NitroCLIMeasurements struct {
	HashAlgorithm    string
	PCR0, PCR1, PCR2 pcr.Value
	PCR8             *pcr.Value `json:",omitempty"` // nil when the image is not signed
}

// NitroCLI returns the measurements in nitro-cli's form.
func (i *Image) NitroCLI() NitroCLIOutput {
	m := NitroCLIMeasurements{
		HashAlgorithm: "Sha384 { ... }",
		PCR0:          i.Measurements[pcr.RegisterImage],
		PCR1:          i.Measurements[pcr.RegisterKernel],
		PCR2:          i.Measurements[pcr.RegisterApplication],
	}
	if value, ok := i.Measurements[pcr.RegisterCertificate]; ok {
		m.PCR8 = &value
	}
	return NitroCLIOutput{m}
}
