// Package release is an example in files: from an image to a signed policy, to an
// accepted document and, after a revocation, to a refused one. See README.md.
package release
