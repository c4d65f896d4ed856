// Package api is what the build for browsers and Node offers to JavaScript, in
// bytes and JSON, without a line about JavaScript: so that it can be tested
// like the rest of this module.
//
// Settings are the JSON of [settings.Read]; nothing that it refuses is used in
// part. Documents come in any form that package input reads.
package api
