package attestationtest

import (
	"bytes"
	"crypto/elliptic"
	"encoding/binary"
	"fmt"
	"time"
)

// The profile of each level is that of the recorded documents: every field in
// the encoding and every extension in the order found there. What the recorded
// ones do differently over the years follows the newest.

// newRoot has the dates of AWS's root, so that documents of every year since
// can be simulated.
func newRoot(s secret) *Certificate {
	key := s.key("certificate", elliptic.P384())
	return (&Certificate{
		Version:    3,
		Serial:     positive(s.bytes("serial", 16)),
		Subject:    rootName("aws.nitro-enclaves"),
		NotBefore:  time.Date(2019, 10, 28, 13, 28, 5, 0, time.UTC),
		NotAfter:   time.Date(2049, 10, 28, 14, 28, 5, 0, time.UTC),
		Key:        key,
		Extensions: extensions(basicConstraints(noPathLen), subjectKeyID(key), keyUsage(true, usageCA)),
	}).seal()
}

func newRegional(s secret, region string, parent *Certificate, notBefore time.Time) *Certificate {
	key := s.key("certificate", elliptic.P384())
	return (&Certificate{
		Version:   3,
		Serial:    positive(s.bytes("serial", 16)),
		Subject:   rootName(fmt.Sprintf("%x.%s.aws.nitro-enclaves", binary.BigEndian.Uint64(s.bytes("name", 8)), region)),
		NotBefore: notBefore,
		NotAfter:  notBefore.Add(20*24*time.Hour + time.Hour),
		Key:       key,
		Parent:    parent,
		Extensions: extensions(basicConstraints(2), authorityKeyID(parent.Key), subjectKeyID(key), keyUsage(true, usageCA),
			crlDistributionPoint("aws-nitro-enclaves-crl.s3."+unresolvable, parent)),
	}).seal()
}

func newZonal(s secret, region string, parent *Certificate, notBefore time.Time) *Certificate {
	key := s.key("certificate", elliptic.P384())
	return (&Certificate{
		Version:   3,
		Serial:    positive(s.bytes("serial", 16)),
		Subject:   zonalName(fmt.Sprintf("%x.zonal.%s.aws.nitro-enclaves", binary.BigEndian.Uint64(s.bytes("name", 8)), region)),
		NotBefore: notBefore,
		// Whole hours between 5.5 and 6 days; 133 to 144 were seen.
		NotAfter: notBefore.Add(time.Duration(133+s.below("hours", 12)) * time.Hour),
		Key:      key,
		Parent:   parent,
		Extensions: extensions(basicConstraints(1), authorityKeyID(parent.Key), subjectKeyID(key), keyUsage(true, usageCA),
			crlDistributionPoint("crl-"+region+"-aws-nitro-enclaves.s3."+region+"."+unresolvable, parent)),
	}).seal()
}

func newInstance(s secret, region, id string, parent *Certificate, notBefore time.Time) *Certificate {
	key := s.key("certificate", elliptic.P384())
	return (&Certificate{
		Version:   3,
		Serial:    positive(s.bytes("serial", 20)),
		Subject:   instanceName(id + "." + region + ".aws.nitro-enclaves"),
		NotBefore: notBefore,
		NotAfter:  notBefore.Add(24 * time.Hour),
		Key:       key,
		Parent:    parent,
		// Identifiers came with 2024; before, these certificates ended with
		// the key usage.
		Extensions: extensions(basicConstraints(0), keyUsage(true, usageInstance), subjectKeyID(key), authorityKeyID(parent.Key)),
	}).seal()
}

// newLeaf issues a leaf for a request. Its serial number is not random: it is
// the number in the enclave's ID and the second of the request.
func newLeaf(s secret, region, module string, number []byte, parent *Certificate, requested time.Time) *Certificate {
	requested = requested.Truncate(time.Second)
	s = s.child(fmt.Sprint("leaf ", requested.Unix()))
	notBefore := requested.Add(-3 * time.Second)
	return (&Certificate{
		Version:    3,
		Serial:     positive(binary.BigEndian.AppendUint64(bytes.Clone(number), uint64(max(0, requested.Unix())))),
		Subject:    instanceName(module + "." + region + ".aws"),
		NotBefore:  notBefore,
		NotAfter:   notBefore.Add(3*time.Hour + 3*time.Second),
		Key:        s.key("certificate", elliptic.P384()),
		Parent:     parent,
		Extensions: extensions(basicConstraints(notCA), keyUsage(false, usageLeaf)),
	}).seal()
}
