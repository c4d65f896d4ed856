package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/nitroattest/nitroattest/pcr"
)

// releases collects --name, --eif, --measurements and --pcr0 in the order in which
// they were given.
type releases struct{ given []given }

type given struct{ flag, value string }

// appender is one of these flags.
type appender struct {
	to   *releases
	flag string
}

func (a appender) String() string { return "" }
func (a appender) Type() string   { return "string" }
func (a appender) Set(value string) error {
	a.to.given = append(a.to.given, given{a.flag, value})
	return nil
}

// release is an image to add: what to call it and where its registers are.
type release struct {
	name   string
	source given
}

// pairs puts every name and the source that follows it together.
func (r *releases) pairs() ([]release, error) {
	const expected = "expected --name NAME before each --eif IMAGE, --measurements FILE or --pcr0 FILE"
	if len(r.given) == 0 {
		return nil, errors.New("no release given, " + expected)
	}
	var out []release
	for i := 0; i < len(r.given); i += 2 {
		name := r.given[i]
		if name.flag != "name" {
			return nil, fmt.Errorf("--%s %s: has no name, %s", name.flag, name.value, expected)
		}
		if strings.TrimSpace(name.value) == "" {
			return nil, errors.New("--name: empty; it is what a verdict calls the image")
		}
		if i+1 == len(r.given) || r.given[i+1].flag == "name" {
			return nil, fmt.Errorf("--name %q: names nothing, %s", name.value, expected)
		}
		if slices.ContainsFunc(out, func(o release) bool { return o.name == name.value }) {
			return nil, fmt.Errorf("--name %q: given twice", name.value)
		}
		out = append(out, release{name.value, r.given[i+1]})
	}
	return out, nil
}

type policyCreate struct {
	std          stdio
	releases     releases
	kind         kindFlag
	output, into string
	source       string
	replace      bool
}

func newPolicyCreate(std stdio) *cobra.Command {
	c := policyCreate{std: std}
	cmd := &cobra.Command{
		Use:   "create --name NAME (--eif IMAGE | --measurements FILE | --pcr0 FILE)... [-o FILE | --into FILE]",
		Short: "Make a policy of releases, or add releases to one",
		Long: `Create writes policy JSON with one image for each release: the name that goes
before it, and the registers of an enclave image file, which it measures, or of
a file in any form that verify --policy takes, or of a file that holds the value
of PCR0 and nothing else. Of a file with several releases each is added, under
the name, a space and its own name. Where the values come from is written beside
them: the name of the file and its form, or what --source says.

-o FILE writes a policy of these releases only; --into FILE adds them to the
policy in FILE, after the others. A name that FILE has already is an error
unless --replace puts the release in its place. Files are replaced as a whole.
Without either the policy goes to standard output.`,
		Example: `  nitroattest policy create --name v1.0.0 --eif enclave.eif -o policy.json
  nitroattest policy create --name v1.1.0 --measurements build.json --into policy.json`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return c.run(cmd.Flags().Changed) },
	}
	c.kind.register(cmd)
	flags := cmd.Flags()
	flags.SortFlags = false
	flags.Var(appender{&c.releases, "name"}, "name", "what to call the image of the next release, as `NAME`")
	flags.Var(appender{&c.releases, "eif"}, "eif", "enclave image file `IMAGE` of a release")
	flags.Var(appender{&c.releases, "measurements"}, "measurements", "`FILE` with the registers of a release, what nitro-cli printed for example")
	flags.Var(appender{&c.releases, "pcr0"}, "pcr0", "`FILE` with the value of PCR0 of a release, and nothing else")
	flags.StringVar(&c.source, "source", "", "where the values come from, as `TEXT` to write beside them; without it the name of the file")
	flags.StringVarP(&c.output, "output", "o", "", "write the policy to `FILE`")
	flags.StringVar(&c.into, "into", "", "add the releases to the policy in `FILE`")
	flags.BoolVar(&c.replace, "replace", false, "with --into: replace images of the same name")
	return cmd
}

func (c *policyCreate) run(changed func(string) bool) error {
	if err := c.kind.check(); err != nil {
		return err
	}
	switch {
	case changed("output") && changed("into"):
		return errors.New("--into: given beside -o, expected one of them")
	case c.replace && !changed("into"):
		return errors.New("--replace: given without --into, there is nothing to replace")
	}
	list, err := c.releases.pairs()
	if err != nil {
		return err
	}
	var policy pcr.Policy
	if changed("into") {
		if policy, err = c.existing(); err != nil {
			return fmt.Errorf("--into: %w", err)
		}
	}
	for _, r := range list {
		source, err := c.images(r)
		if err != nil {
			return fmt.Errorf("--%s: %w", r.source.flag, err)
		}
		if len(policy.Images) > 0 && !source.Kind.Is(policy.Kind) {
			return fmt.Errorf("--%s: %s: found a policy of another kind than those before, expected one kind", r.source.flag, r.source.value)
		}
		policy.Kind = source.Kind
		for _, image := range source.Images {
			if err := c.add(&policy, image); err != nil {
				return err
			}
		}
	}
	return c.write(policy, changed)
}

// existing reads the policy to extend, which has to be in the form in which it
// will be written.
func (c *policyCreate) existing() (pcr.Policy, error) {
	if c.into == "-" {
		return pcr.Policy{}, errors.New("found -, expected the name of a file")
	}
	reading, err := c.kind.read(c.into, c.std)
	if errors.Is(err, fs.ErrNotExist) {
		return pcr.Policy{}, hintf(err, "-o makes a new policy")
	}
	if err != nil {
		return pcr.Policy{}, err
	}
	if reading.Form != pcr.FormPolicy {
		return pcr.Policy{}, hintf(fmt.Errorf("%s: found another form, expected a policy {\"images\": [...]}", c.into),
			"policy show --json converts it")
	}
	return reading.Policy, nil
}

// images reads the registers of a release, or of each of the releases that a
// file holds.
func (c *policyCreate) images(r release) (pcr.Policy, error) {
	switch r.source.flag {
	case "eif":
		if c.kind.isNitroTPM() {
			return pcr.Policy{}, errors.New("given beside --kind nitrotpm, expected --measurements: an enclave image says nothing of such a document")
		}
		image, err := measureFile(r.source.value, c.std)
		if err != nil {
			return pcr.Policy{}, err
		}
		return pcr.Policy{Images: []pcr.Image{{Name: r.name, PCRs: image.Measurements, Source: c.sourceOf(r, "enclave image file")}}}, nil
	case "pcr0":
		value, err := c.pcr0(r.source.value)
		if err != nil {
			return pcr.Policy{}, err
		}
		return pcr.Policy{Images: []pcr.Image{{Name: r.name, PCRs: pcr.Bank{pcr.RegisterImage: value}, Source: c.sourceOf(r, "PCR0 alone")}}}, nil
	}
	reading, err := c.kind.read(r.source.value, c.std)
	if err != nil {
		return pcr.Policy{}, err
	}
	policy := reading.Policy
	for i := range policy.Images {
		image := &policy.Images[i]
		if image.Source == "" {
			image.Source = c.sourceOf(r, string(reading.Form))
		}
		if len(policy.Images) == 1 {
			image.Name = r.name
		} else {
			image.Name = r.name + " " + image.Name
		}
	}
	return policy, nil
}

// sourceOf says where the values of an image come from.
func (c *policyCreate) sourceOf(r release, form string) string {
	if c.source != "" {
		return c.source
	}
	name := filepath.Base(r.source.value)
	if r.source.value == "-" {
		name = "standard input"
	}
	return name + " (" + form + ")"
}

// pcr0 reads a file that holds the value of PCR0 and nothing else, and does not
// say so.
func (c *policyCreate) pcr0(name string) (pcr.Value, error) {
	data, err := c.std.read(name, maxPolicy)
	if err != nil {
		return pcr.Value{}, fmt.Errorf("%s: %w", name, err)
	}
	value, err := pcr.ParseValue(strings.TrimPrefix(strings.TrimSpace(strings.TrimPrefix(string(data), "\ufeff")), "0x"))
	if err != nil {
		return pcr.Value{}, fmt.Errorf("%s: %w", name, err)
	}
	return value, nil
}

func (c *policyCreate) add(policy *pcr.Policy, image pcr.Image) error {
	at := slices.IndexFunc(policy.Images, func(i pcr.Image) bool { return i.Name == image.Name })
	switch {
	case at < 0:
		policy.Images = append(policy.Images, image)
	case c.replace:
		policy.Images[at] = image
	default:
		return hintf(fmt.Errorf("--name %q: %s has an image of that name", image.Name, c.into), "--replace puts this release in its place")
	}
	return nil
}

func (c *policyCreate) write(policy pcr.Policy, changed func(string) bool) error {
	data, err := json.MarshalIndent(policy, "", "  ")
	if err != nil {
		return err
	}
	data = append(printableJSON(data), '\n')
	// What is written can be read: the name of a release may be too long for
	// the limit on the whole, say.
	if _, err := c.kind.parse(data); err != nil {
		return err
	}
	switch {
	case changed("into"):
		return writeFile(c.into, data)
	case changed("output"):
		return c.std.writeFile(c.output, data)
	default:
		return printOut(c.std.out, data)
	}
}
