package certs

import (
	"bytes"
	"crypto/x509"
	_ "embed"
	"encoding/pem"
	"errors"
	"fmt"
	"slices"
	"sync"
)

// The root of the commercial AWS partition, from
// https://aws-nitro-enclaves.amazonaws.com/AWS_NitroEnclaves_Root-G1.zip
//
//	zip  SHA-256 8cf60e2b2efca96c6a9e71e851d00c1b6991cc09eadbe64a6a1d1b1eb9faff7c
//	DER  SHA-256 641a0321a3e244efe456463195d606317ed7cdcc3c1756e09893f3c68f79bb5b
//
// The AWS Nitro Enclaves User Guide, "Verifying the root of trust", publishes
// both digests.
//
//go:embed roots/aws-nitro-enclaves-g1.pem
var awsNitroRootG1PEM []byte

// The root of the AWS GovCloud (US) partition, from the EC2 user guide for
// GovCloud.
//
//	DER  SHA-256 20bcd30a3e168ea03789e1c45912bc123c4de3c977b8a6e1c125c7929d668b3b
//
//go:embed roots/aws-us-gov-nitro-enclaves.pem
var awsGovCloudRootPEM []byte

// Roots is a set of pinned root certificates. It is immutable and safe for
// concurrent use.
type Roots struct {
	certs []*x509.Certificate
}

// AWSNitroRootG1 returns the root that signs the attestation documents of the
// commercial AWS partition: CN=aws.nitro-enclaves, valid from 2019-10-28 to
// 2049-10-28.
func AWSNitroRootG1() *Roots { return awsNitroRootG1() }

// AWSGovCloudRoot returns the root of the AWS GovCloud (US) partition:
// CN=aws-us-gov.nitro-enclaves, valid from 2020-09-10 to 2050-09-10.
//
// Its only source is the EC2 user guide for GovCloud; no second source and no
// recorded document confirms it. It is never used unless asked for.
func AWSGovCloudRoot() *Roots { return awsGovCloudRoot() }

var (
	awsNitroRootG1  = sync.OnceValue(func() *Roots { return embedded(awsNitroRootG1PEM) })
	awsGovCloudRoot = sync.OnceValue(func() *Roots { return embedded(awsGovCloudRootPEM) })
)

// embedded can only fail in a build whose embedded file is damaged.
func embedded(file []byte) *Roots {
	roots, err := ParseRoots(file)
	if err != nil {
		panic("certs: embedded root: " + err.Error())
	}
	return roots
}

// NewRoots returns a set of custom roots, for tests with a simulated
// hypervisor or for a partition that this package does not know. It fails for
// an empty set and for a certificate that is not a certification authority in
// the profile of AWS's: a P-384 key, ecdsa-with-SHA384, basic constraints
// with CA, key usage with certificate signing.
func NewRoots(roots ...*x509.Certificate) (*Roots, error) {
	if len(roots) == 0 {
		return nil, errors.New("certs: no root certificates: a set of roots cannot be empty")
	}
	pinned := make([]*x509.Certificate, len(roots))
	for i, root := range roots {
		if root == nil || len(root.Raw) == 0 {
			return nil, fmt.Errorf("certs: root %d: found no DER, expected a parsed certificate", i)
		}
		// The bytes are what is pinned, so they alone say what the fields are.
		cert, err := parse(root.Raw)
		if err == nil {
			err = checkAuthority(cert)
		}
		if err != nil {
			return nil, fmt.Errorf("certs: root %d: %w", i, err)
		}
		pinned[i] = cert
	}
	return &Roots{pinned}, nil
}

// ParseRoots returns the custom roots in a PEM file: one or more CERTIFICATE
// blocks and nothing else. See [NewRoots].
func ParseRoots(file []byte) (*Roots, error) {
	var roots []*x509.Certificate
	for rest := bytes.TrimSpace(file); len(rest) > 0; {
		block, after := pem.Decode(rest)
		// Decode passes over what it cannot read, a damaged block too.
		begin := []byte("-----BEGIN")
		if block == nil || !bytes.HasPrefix(rest, begin) || bytes.Count(rest[:len(rest)-len(after)], begin) != 1 {
			return nil, errors.New("certs: roots: found something that is not PEM, expected CERTIFICATE blocks only")
		}
		if block.Type != "CERTIFICATE" {
			return nil, fmt.Errorf("certs: roots: found a %s block, expected CERTIFICATE blocks only", block.Type)
		}
		cert, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, fmt.Errorf("certs: root %d: %w", len(roots), err)
		}
		roots = append(roots, cert)
		rest = bytes.TrimSpace(after)
	}
	return NewRoots(roots...)
}

// Certificates returns the roots of the set. They are shared and must not be
// modified.
func (r *Roots) Certificates() []*x509.Certificate { return slices.Clone(r.certs) }

// find returns the pinned root that is equal to der, or nil.
func (r *Roots) find(der []byte) *x509.Certificate {
	for _, root := range r.certs {
		if bytes.Equal(root.Raw, der) {
			return root
		}
	}
	return nil
}
