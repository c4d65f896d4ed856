package settings

import (
	"encoding/base64"
	"fmt"
	"math/big"
	"strings"

	"github.com/nitroattest/nitroattest/certs"
)

func (r *reader) readTrust() {
	r.Partition, _ = r.string(Partition)
	if v, ok := r.members[Partition]; ok && r.Partition == "" && !r.broken(Partition) {
		r.failAt(Partition, "", v.offset, "empty, expected %q or %q", PartitionAWS, PartitionGovCloud)
	}
	if text, ok := r.string(Roots); ok {
		roots, err := certs.ParseRoots([]byte(text))
		if err != nil {
			r.failAt(Roots, "", r.members[Roots].offset, "").Err = err
		}
		r.Roots, r.RootsName = roots, "the settings"
	}
	config := certs.RevocationConfig{Unknown: certs.RefuseUnknown}
	lists := r.readLists()
	if text, ok := r.string(MissingCRL); ok {
		config.Unknown = certs.UnknownStatus(text)
		switch {
		case config.Unknown != certs.RefuseUnknown && config.Unknown != certs.InsecureAcceptUnknown:
			r.failAt(MissingCRL, "", r.members[MissingCRL].offset, "found %q, expected %q or %q", text, certs.RefuseUnknown, certs.InsecureAcceptUnknown)
			return
		case lists == nil:
			r.failAt(MissingCRL, "", r.members[MissingCRL].offset, "given without %s", CRLs)
		}
	}
	r.readDenied(&config)
	if lists == nil && r.Denied == nil || r.broken(CRLs, Denied, MissingCRL) {
		return
	}
	r.Unknown = config.Unknown
	if lists == nil {
		config.Unknown = certs.InsecureAcceptUnknown // nobody asked about lists
	}
	config.CRLs = lists
	revocations, err := certs.NewRevocations(config)
	if err != nil {
		r.FailFor(CRLs, err)
	}
	r.Revocations = revocations
}

// readLists returns the lists, each of which can be used by itself.
func (r *reader) readLists() [][]byte {
	elements, _ := r.array(CRLs)
	var lists [][]byte
	for i, element := range elements {
		path := fmt.Sprintf("[%d]", i)
		text, ok := r.element(CRLs, path, element)
		if !ok {
			continue
		}
		list := []byte(text)
		if !strings.Contains(text, "-----BEGIN") {
			var err error
			if list, err = base64.StdEncoding.DecodeString(strings.Join(strings.Fields(text), "")); err != nil {
				r.failAt(CRLs, path, element.offset, "found text that is neither PEM nor base64, expected a revocation list")
				continue
			}
		}
		if _, err := certs.NewRevocations(certs.RevocationConfig{Unknown: certs.RefuseUnknown, CRLs: [][]byte{list}}); err != nil {
			r.failAt(CRLs, path, element.offset, "").Err = err
			continue
		}
		lists = append(lists, list)
		r.Lists = append(r.Lists, CRLs+path)
	}
	return lists
}

func (r *reader) readDenied(config *certs.RevocationConfig) {
	elements, _ := r.array(Denied)
	for i, element := range elements {
		path := fmt.Sprintf("[%d]", i)
		one := certs.RevocationConfig{Unknown: certs.RefuseUnknown}
		if element.raw[0] == '{' {
			id, ok := r.readCertificateID(path, element)
			if !ok {
				continue
			}
			one.Certificates = []certs.CertificateID{id}
			r.Denied = append(r.Denied, fmt.Sprintf("certificate %x of %s", id.Serial, id.Issuer))
		} else {
			module, ok := r.element(Denied, path, element)
			if !ok {
				continue
			}
			one.Modules = []string{module}
			r.Denied = append(r.Denied, module)
		}
		if _, err := certs.NewRevocations(one); err != nil {
			_, detail, _ := strings.Cut(err.Error(), " 0: ") // of the only entry
			r.failAt(Denied, path, element.offset, "%s", detail)
			continue
		}
		config.Certificates = append(config.Certificates, one.Certificates...)
		config.Modules = append(config.Modules, one.Modules...)
	}
}

func (r *reader) readCertificateID(path string, v value) (certs.CertificateID, bool) {
	var id certs.CertificateID
	members, err := readObject(v.raw, v.offset)
	if err != nil {
		r.failAt(Denied, path, v.offset, "%s", err)
		return id, false
	}
	found := map[string]string{}
	good := true
	for _, m := range members {
		_, twice := found[m.name]
		switch {
		case m.name != "issuer" && m.name != "serial":
			r.failAt(Denied, path+"."+m.name, m.offset, `unknown key, expected "issuer" and "serial"`)
			good = false
		case twice:
			r.failAt(Denied, path+"."+m.name, m.offset, "the key is given twice")
			good = false
		default:
			text, ok := r.element(Denied, path+"."+m.name, m.value)
			found[m.name], good = text, good && ok
		}
	}
	for _, key := range []string{"issuer", "serial"} {
		if _, ok := found[key]; !ok {
			r.failAt(Denied, path+"."+key, v.offset, "missing")
			good = false
		}
	}
	if !good {
		return id, false
	}
	serial, ok := new(big.Int).SetString(found["serial"], 16)
	if !ok {
		r.failAt(Denied, path+".serial", v.offset, "found %q, expected hex digits", found["serial"])
		return id, false
	}
	return certs.CertificateID{Issuer: found["issuer"], Serial: serial}, true
}
