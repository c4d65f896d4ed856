package service

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"

	"github.com/nitroattest/nitroattest/certs"
)

// WatchRoots tells when roots from a file end, and that a file which has changed
// is not in use: what is trusted at the root changes with a restart only.
func WatchRoots(files *Files, path string, roots *certs.Roots) error {
	first := true
	return files.add(kindRoot, func(contents [][]byte) (inUse, error) {
		if !first {
			return inUse{}, errors.New("found other contents than at the start; a restart trusts them")
		}
		first = false
		use := inUse{ID: hexSHA256(contents[0])}
		for _, root := range roots.Certificates() {
			if use.expires.IsZero() || root.NotAfter.Before(use.expires) {
				use.expires = root.NotAfter
			}
		}
		return use, nil
	}, path)
}

// RootHashes returns the SHA-256 of each root in DER, hex, which is how AWS
// publishes the hash of its own.
func RootHashes(roots *certs.Roots) []string {
	var hashes []string
	for _, root := range roots.Certificates() {
		sum := sha256.Sum256(root.Raw)
		hashes = append(hashes, hex.EncodeToString(sum[:]))
	}
	return hashes
}
