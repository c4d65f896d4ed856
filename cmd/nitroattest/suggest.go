package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// needCommand is for commands that only hold others: it says of an argument that
// it is none of them, and which was meant.
func needCommand(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	var names []string
	for _, c := range cmd.Commands() {
		if c.IsAvailableCommand() {
			names = append(names, c.Name())
		}
	}
	err := fmt.Errorf("unknown command %q for %q", args[0], cmd.CommandPath())
	if meant := nearest(args[0], names); len(meant) > 0 {
		return hintf(err, "did you mean %s?", strings.Join(meant, " or "))
	}
	return hintf(err, "%s --help lists the commands", cmd.CommandPath())
}

// explainFlag adds to an error about a flag which one was meant.
func explainFlag(cmd *cobra.Command, err error) error {
	var unknown *pflag.NotExistError
	if !errors.As(err, &unknown) {
		return err
	}
	typed := unknown.GetSpecifiedName()
	if letters := unknown.GetSpecifiedShortnames(); len(letters) > len(typed) {
		typed = letters // "-policy", with one dash
	}
	typed, _, _ = strings.Cut(strings.ReplaceAll(typed, "_", "-"), "=")
	if f := cmd.Flags().Lookup(typed); f != nil {
		return hintf(err, "did you mean --%s?", f.Name)
	}
	var names []string
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		if !f.Hidden {
			names = append(names, f.Name)
		}
	})
	if meant := nearest(typed, names); len(meant) > 0 {
		return hintf(err, "did you mean --%s?", strings.Join(meant, " or --"))
	}
	return hintf(err, "%s --help lists the flags", cmd.CommandPath())
}

// nearest returns the names that a word is a slip of the pen from, or the
// beginning of. What counts as near is cobra's.
func nearest(word string, names []string) []string {
	const slips = 2
	among := &cobra.Command{SuggestionsMinimumDistance: slips}
	for _, name := range names {
		among.AddCommand(&cobra.Command{Use: name, Run: func(*cobra.Command, []string) {}})
	}
	if len(word) <= slips {
		return nil // everything is near
	}
	return among.SuggestionsFor(word)
}
