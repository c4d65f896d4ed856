//go:build !unix

package durable

// SyncFolder does nothing where a folder cannot be opened like a file.
func SyncFolder(string) error { return nil }
