// Package zstd decompresses Zstandard (RFC 8878) from front to back, with the
// memory of the window that the data ask for and no more than [MaxWindow].
//
// There is a good library for this, and it is not used for its size alone: its
// module is 39 MB, because of the data for its tests, and whoever builds the
// command of this project would have to fetch it. The decoder is not a place
// where trust rests: every layer is checked against its diff ID after it was
// unpacked, so a mistake here makes an image that cannot be read, and never
// another measurement. The tests compare it with that library.
//
// Dictionaries are not supported; layers have none. Checksums of frames are not
// checked, for the digests of layers are.
package zstd
