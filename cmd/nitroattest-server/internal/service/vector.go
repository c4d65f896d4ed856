package service

import "github.com/nitroattest/nitroattest/attestation"

// vector is a trustworthiness vector (draft-ietf-rats-ar4si). Nothing is claimed
// of what is zero. It is written all the same, since a vector has at least one
// entry.
type vector struct {
	InstanceIdentity int `json:"instance-identity"`
	Configuration    int `json:"configuration"`
	Executables      int `json:"executables"`
	Hardware         int `json:"hardware"`
}

// Values of the vector, named for what they say here.
const (
	notUnderstood   = 1
	recognized      = 2 // instance-identity, hardware
	approved        = 2 // configuration
	approvedBoot    = 3 // executables
	exposesConsole  = 32
	unsupportable   = 96 // configuration
	notApproved     = 96 // executables
	compromised     = 96 // instance-identity, hardware
	notRecognized   = 97
	signatureFailed = 99
)

// tier is the name of a trustworthiness tier.
type tier string

const (
	noTier          tier = "none"
	affirming       tier = "affirming"
	warning         tier = "warning"
	contraindicated tier = "contraindicated"
)

// vectorOf makes the table in the package documentation.
func vectorOf(v *verdict) vector {
	if v.report.Authentic() {
		return vectorOfAuthentic(v.report)
	}
	if v.challengeRefused {
		return vector{} // the document was not looked at
	}
	switch attestation.Reason(v.reason) {
	case attestation.CertificateRevoked:
		return vector{InstanceIdentity: compromised, Hardware: compromised}
	case attestation.UntrustedRoot, attestation.CertificateExpired, attestation.CertificateNotYetValid:
		return vector{InstanceIdentity: notRecognized, Hardware: notRecognized}
	case attestation.InvalidChain, attestation.BadSignature:
		return vector{signatureFailed, signatureFailed, signatureFailed, signatureFailed}
	default:
		return vector{notUnderstood, notUnderstood, notUnderstood, notUnderstood}
	}
}

func vectorOfAuthentic(r *attestation.Report) vector {
	out := vector{InstanceIdentity: recognized, Configuration: approved, Hardware: recognized}
	for _, check := range r.Checks {
		switch check.Name {
		case "debug":
			switch {
			case check.Status == attestation.Fail:
				out.Configuration = unsupportable
			case r.Debug:
				out.Configuration = exposesConsole
			}
		case "measurements":
			switch check.Status {
			case attestation.Pass:
				out.Executables = approvedBoot
			case attestation.Fail:
				out.Executables = notApproved
			}
		}
	}
	return out
}

// status is the tier of the worst claim.
func (v vector) status() tier {
	worst := 0
	for _, value := range []int{v.InstanceIdentity, v.Configuration, v.Executables, v.Hardware} {
		worst = max(worst, value)
	}
	switch {
	case worst >= 96:
		return contraindicated
	case worst >= 32:
		return warning
	case worst >= 2:
		return affirming
	default:
		return noTier
	}
}
