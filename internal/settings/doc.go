// Package settings holds what the programs of this project are asked to demand
// of a document, apart from the way in which they are asked.
//
// [Appraisal] is all of it in one struct. The command fills it from flags, and
// [Read] from JSON, which is what the build for browsers is given. What a
// [attestation.Verifier] needs comes from it, and so do the sentences that tell
// the reader of a report what was asked and what was not: a setting that changes
// a verdict cannot be missing in the report of it.
//
// Mistakes are told all at once, in the words of whoever made them: the names of
// flags, or the paths of JSON with line and column. A setting that was given and
// cannot be used is never taken for one that was not given.
package settings
