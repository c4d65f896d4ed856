package command

import (
	"strings"

	"github.com/nitroattest/nitroattest/certs"
	"github.com/nitroattest/nitroattest/cmd/nitroattest-server/internal/service"
)

// waivers are the flags that leave out a check or trust somebody else.
func (f *serveFlags) waivers(roots []string) []service.Waiver {
	var all []service.Waiver
	add := func(given bool, name, detail string, weakens bool) {
		if given {
			all = append(all, service.Waiver{Name: name, Detail: detail, Weakens: weakens})
		}
	}
	add(f.trust.Root != nil, service.WaiverForeignRoot, "--root: the roots with the SHA-256 "+strings.Join(roots, ", ")+" are trusted in place of AWS's", false)
	add(f.allowDebug, service.WaiverDebug, "--insecure-allow-debug: enclaves in debug mode are accepted, whose console the parent can read", true)
	add(f.anyModuleID, service.WaiverAnyModuleID, "--insecure-any-module-id: module IDs of a form that nobody has seen are accepted", true)
	add(f.vouching.required() && f.vouching.state == "", service.WaiverVersions,
		"--policy-state: not given, so that a restart forgets the versions of signed policies and an older one that has not expired can come back", false)
	add(f.trust.MissingCRL != nil && *f.trust.MissingCRL == string(certs.InsecureAcceptUnknown), service.WaiverUnknownStatus,
		"--missing-crl: certificates without a current revocation list pass", false)
	add(f.listening.InsecureNoTLS && f.listening.TLSCert == "", service.WaiverNoTLS, "--insecure-no-tls: who is on the network reads exchanges and alters verdicts", false)
	add(f.profiles, service.WaiverProfiles, "--insecure-admin-pprof: profiles show what others ask for", false)
	return all
}
