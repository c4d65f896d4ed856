// Package settings holds what the programs of this project are asked to demand
// of a document, apart from the way in which they are asked. The command fills
// it from flags, the service too, and the build for browsers from JavaScript.
package settings
