package service

import (
	"slices"

	"github.com/nitroattest/nitroattest/certs"
)

// LoadRevocations reads files with revocation lists, DER or PEM, for the
// verifiers of all policies. What it returns follows the files, but does not go
// back to an older list that is genuine: see [certs.Revocations]. How new the
// lists were is kept in the file memory; empty: until the process ends.
func LoadRevocations(files *Files, unknown certs.UnknownStatus, memory string, paths []string) (*certs.Revocations, error) {
	revocations, err := certs.NewRevocations(certs.RevocationConfig{Unknown: unknown, MemoryFile: memory})
	if err != nil {
		return nil, err
	}
	l := &listFiles{revocations, map[string][]byte{}}
	for i, path := range paths {
		if slices.Contains(paths[:i], path) {
			continue
		}
		use := func(contents [][]byte) (inUse, error) { return l.set(path, contents[0]) }
		if err := files.add(kindCRL, use, path); err != nil {
			return nil, err
		}
	}
	files.keepers = append(files.keepers, revocations.SaveMemory)
	return revocations, nil
}

// listFiles has what is in use of each file, for lists are replaced all at once.
// Files calls it from one goroutine at a time.
type listFiles struct {
	revocations *certs.Revocations
	contents    map[string][]byte
}

func (l *listFiles) set(path string, data []byte) (inUse, error) {
	alone, err := certs.NewRevocations(certs.RevocationConfig{Unknown: certs.RefuseUnknown})
	if err == nil {
		err = alone.SetCRLs(data)
	}
	if err != nil {
		return inUse{}, err
	}
	lists := [][]byte{data}
	for _, other := range sortedKeys(l.contents) {
		if other != path {
			lists = append(lists, l.contents[other])
		}
	}
	if err := l.revocations.SetCRLs(lists...); err != nil {
		return inUse{}, err
	}
	l.contents[path] = data
	return inUse{hexSHA256(data), alone.NextUpdate()}, nil
}
