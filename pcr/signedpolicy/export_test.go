package signedpolicy

// NewFileStoreSyncedBy has another function that makes a rename last.
func NewFileStoreSyncedBy(path string, syncFolder func(string) error) Store {
	return &fileStore{path: path, syncFolder: syncFolder}
}
