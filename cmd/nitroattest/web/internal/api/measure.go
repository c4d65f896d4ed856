package api

import (
	"encoding/json"
	"fmt"
	"io"

	"github.com/nitroattest/nitroattest/pcr"
	"github.com/nitroattest/nitroattest/pcr/eif"
	"github.com/nitroattest/nitroattest/pcr/uki"
)

// MeasureOptions say what an image file does not say itself.
type MeasureOptions struct {
	Kind   string // "enclave" or "nitrotpm"
	Kernel string // of a NitroTPM: "", "measured" or "not-measured"
}

// measured has the measurements in the form that AWS's tools print, which
// the settings take as a policy.
type measured struct {
	Kind     pcr.Kind `json:"kind"`
	Policy   any      `json:"policy"`
	Warnings []string `json:"warnings"`
}

// Measure returns the registers that an image file leads to, in JSON. It reads
// the file in pieces and keeps none.
func Measure(file io.ReaderAt, size int64, o MeasureOptions) ([]byte, error) {
	out := measured{Kind: pcr.Kind(o.Kind), Warnings: []string{}}
	switch {
	case out.Kind == pcr.Enclave && o.Kernel == "":
		image, err := eif.Measure(file, size)
		if err != nil {
			return nil, err
		}
		out.Policy = image.NitroCLI()
		for _, w := range image.Warnings {
			out.Warnings = append(out.Warnings, fmt.Sprint(w))
		}
	case out.Kind == pcr.Enclave:
		return nil, fmt.Errorf("kernel: given for an enclave, expected it for kind %q only", pcr.NitroTPM)
	case out.Kind == pcr.NitroTPM:
		kernel := uki.KernelLoad(o.Kernel)
		if kernel != "" && kernel != uki.KernelMeasured && kernel != uki.KernelNotMeasured {
			return nil, fmt.Errorf("kernel: found %q, expected %q or %q", o.Kernel, uki.KernelMeasured, uki.KernelNotMeasured)
		}
		image, err := uki.Measure(file, size, uki.Options{Kernel: kernel})
		if err != nil {
			return nil, err
		}
		out.Policy = image.NitroTPM()
		for _, w := range image.Warnings {
			out.Warnings = append(out.Warnings, fmt.Sprint(w))
		}
	default:
		return nil, fmt.Errorf("kind: found %q, expected %q or %q", o.Kind, pcr.Enclave, pcr.NitroTPM)
	}
	return json.Marshal(out)
}
