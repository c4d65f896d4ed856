// Package durable makes what was renamed last: a machine that loses power after a
// rename may bring back the file of before, unless the folder was written out too
// (fsync(2): "an explicit fsync() on a file descriptor for the directory is also
// needed").
package durable
