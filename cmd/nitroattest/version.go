package main

import (
	"bytes"
	"crypto/fips140"
	"runtime"
	"runtime/debug"
	"strings"

	"github.com/spf13/cobra"
)

// builtFrom is what this program was made of.
type builtFrom struct {
	Version    string   `json:"version"`
	Commit     string   `json:"commit,omitempty"`
	Time       string   `json:"commit_time,omitempty"`
	Modified   bool     `json:"modified"` // the tree had changes that no commit has
	Go         string   `json:"go"`
	Platform   string   `json:"platform"`
	FIPS       bool     `json:"fips140"`
	Signatures []string `json:"signatures"` // values of --signatures
}

func whatBuilt() builtFrom {
	b := builtFrom{
		Version: version(), Go: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH,
		FIPS: fips140.Enabled(), Signatures: []string{signaturesStandard},
	}
	if newFast != nil {
		b.Signatures = append(b.Signatures, signaturesFast)
	}
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, s := range info.Settings {
			switch s.Key {
			case "vcs.revision":
				b.Commit = s.Value
			case "vcs.time":
				b.Time = s.Value
			case "vcs.modified":
				b.Modified = s.Value == "true"
			}
		}
	}
	return b
}

func newVersion(std stdio) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "version",
		Short: "Print the version and what the program was built from",
		Args:  cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			b := whatBuilt()
			if asJSON {
				return printJSON(std.out, b)
			}
			var out bytes.Buffer
			out.WriteString("nitroattest " + b.Version + "\n")
			if b.Commit != "" {
				commit := b.Commit + " of " + b.Time
				if b.Modified {
					commit += ", with changes that no commit has"
				}
				line(&out, "commit", commit)
			}
			line(&out, "built by", b.Go+" for "+b.Platform)
			if b.FIPS {
				line(&out, "FIPS 140", "on")
			}
			line(&out, "signatures", strings.Join(b.Signatures, ", "))
			return printOut(std.out, out.Bytes())
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON object")
	return cmd
}

func version() string {
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		return info.Main.Version
	}
	return "(devel)"
}
