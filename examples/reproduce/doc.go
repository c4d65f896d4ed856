// Package reproduce is an example in files: from a Dockerfile's image to the
// registers of an enclave, on any machine. See README.md.
package reproduce
