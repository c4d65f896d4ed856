package main

import (
	"errors"

	"github.com/spf13/cobra"
)

// newServe tells those who know the command from before where the service is.
func newServe() *cobra.Command {
	return &cobra.Command{
		Use:                "serve",
		Hidden:             true,
		DisableFlagParsing: true,
		RunE: func(*cobra.Command, []string) error {
			return hintf(errors.New("serve: the service is a program of its own, nitroattest-server, with the same flags"),
				"go run ./cmd/nitroattest-server --policies DIR starts it from a clone")
		},
	}
}
