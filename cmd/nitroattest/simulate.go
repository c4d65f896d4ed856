package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/nitroattest/nitroattest/cmd/nitroattest/internal/simulate"
	"github.com/nitroattest/nitroattest/pcr"
)

func newSimulate(std stdio) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "simulate",
		Short: "Simulate an enclave: documents, their root, their policy, and a server",
		Long: `Simulate stands in for an enclave and for the hypervisor that signs its
documents, to try verifiers without AWS. Its root is its own: a verifier accepts
its documents when it is told to trust that root, and not otherwise.

The keys follow from a seed in the directory --state, which is made when it is
first used and which its owner alone can read. Documents of one day verify under
the root of another, as long as the directory is the same.

The flags that say what the enclave runs are those of every command here. Without
them the registers are made up; with the same flags they are the same.`,
		Example: `  nitroattest simulate root > root.pem
  nitroattest simulate policy > policy.json
  nitroattest simulate attest --nonce 6e6f6e6365 > document.cbor
  nitroattest verify --root root.pem --policy policy.json --nonce 6e6f6e6365 document.cbor`,
		Args: needCommand,
		RunE: func(*cobra.Command, []string) error {
			return hintf(errors.New("simulate: no command given"), "nitroattest simulate --help lists the commands")
		},
	}
	cmd.AddCommand(newSimulateAttest(std), newSimulateRoot(std), newSimulatePolicy(std), newSimulateServe(std))
	return cmd
}

// enclaveFlags say which enclave is simulated.
type enclaveFlags struct {
	state     string
	kind      string
	pcrs      []string
	eif       string
	container containerFlags
	debug     bool

	changed func(name string) bool
}

func (f *enclaveFlags) register(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&f.state, "state", "", "`DIR` that keeps the keys; without it nitroattest/simulator in the user's directory for configuration")
	flags.StringVar(&f.kind, "kind", "", "kind of document: enclave or nitrotpm (default enclave)")
	flags.StringArrayVar(&f.pcrs, "pcr", nil, "value of a register, as `N=HEX`; repeat for more")
	flags.StringVar(&f.eif, "eif", "", "enclave image file `IMAGE` that the enclave runs; it is measured")
	f.container.register(flags)
	flags.BoolVar(&f.debug, "debug", false, "run the enclave in debug mode")
	f.changed = flags.Changed
}

func (f *enclaveFlags) stateDir() (string, error) {
	if f.changed("state") {
		return f.state, nil
	}
	config, err := os.UserConfigDir()
	if err != nil {
		return "", hintf(errors.New("--state: not given, and the environment names no directory of the user's"), "--state DIR keeps the keys there")
	}
	return filepath.Join(config, "nitroattest", "simulator"), nil
}

func (f *enclaveFlags) openState() (*simulate.State, error) {
	dir, err := f.stateDir()
	if err != nil {
		return nil, err
	}
	state, err := simulate.OpenState(dir)
	if err != nil {
		return nil, fmt.Errorf("--state: %w", err)
	}
	return state, nil
}

// open returns the simulator that the flags describe, of the given kind.
func (f *enclaveFlags) open(kind pcr.Kind, std stdio) (*simulate.Simulator, error) {
	config, err := f.config(kind, std)
	if err != nil {
		return nil, err
	}
	return f.start(config)
}

func (f *enclaveFlags) start(config simulate.Config) (*simulate.Simulator, error) {
	state, err := f.openState()
	if err != nil {
		return nil, err
	}
	simulator, err := state.New(config)
	if err != nil {
		return nil, f.ofImage(err)
	}
	return simulator, nil
}

// ofImage says which flag leads to registers that no policy can rest on.
func (f *enclaveFlags) ofImage(err error) error {
	if len(f.pcrs) > 0 {
		return ofRegisters(err)
	}
	return fmt.Errorf("the image: %w", err)
}

func (f *enclaveFlags) config(kind pcr.Kind, std stdio) (simulate.Config, error) {
	config := simulate.Config{Kind: kind, Debug: f.debug}
	if err := kindFlag(f.kind).check(); err != nil {
		return config, err
	}
	eif, oci := f.changed("eif"), f.changed("oci")
	if !oci {
		if err := f.container.refuse(); err != nil {
			return config, err
		}
	}
	tpm := kind.Is(pcr.NitroTPM)
	switch {
	case eif && oci:
		return config, errors.New("--eif: given beside --oci, expected one of them")
	case tpm && f.debug:
		return config, errors.New("--debug: given with --kind nitrotpm, which has no debug mode")
	case tpm && (eif || oci):
		return config, errors.New("--eif and --oci: given with --kind nitrotpm, expected --pcr: an enclave's image says nothing of such a document")
	}
	var flag string
	var err error
	switch {
	case eif:
		flag = "eif"
		config.Name, config.PCRs, err = registersOfFile(f.eif, std)
	case oci:
		flag = "oci"
		config.Name, config.PCRs, err = f.registersOfContainer(std)
	}
	if err != nil {
		return config, fmt.Errorf("--%s: %w", flag, err)
	}
	given, err := registers("--pcr", f.pcrs)
	if err != nil {
		return config, err
	}
	config.Measured = eif || oci
	if config.PCRs == nil {
		config.PCRs = pcr.Bank{}
	}
	for register, value := range given {
		if _, ok := config.PCRs[register]; ok {
			return config, fmt.Errorf("--pcr: register %d is given beside --%s, which leads to it", register, flag)
		}
		config.PCRs[register] = value
	}
	return config, nil
}

func registersOfFile(name string, std stdio) (string, pcr.Bank, error) {
	image, err := measureFile(name, std)
	if err != nil {
		return "", nil, err
	}
	return imageName(image, name), image.Measurements, nil
}

func (f *enclaveFlags) registersOfContainer(std stdio) (name string, bank pcr.Bank, err error) {
	c, err := f.container.openFile(f.container.image, std)
	if err != nil {
		return "", nil, err
	}
	defer func() { err = errors.Join(err, c.Close()) }()
	bank, err = c.measure(std)
	return c.title(), bank, err
}

func newSimulateRoot(std stdio) *cobra.Command {
	var f enclaveFlags
	var output, broken, at string
	cmd := &cobra.Command{
		Use:   "root",
		Short: "Print the root certificate of the simulated hypervisor, as PEM",
		Long: `Root prints the certificate that --root of nitroattest verify and of
nitroattest-server takes. It depends on the directory --state alone.

A few mutations of simulate attest --broken change the root itself, to be trusted
as it then is: --broken NAME --time TIME prints that one.`,
		Example: `  nitroattest simulate root -o root.pem`,
		Args:    cobra.NoArgs,
	}
	flags := cmd.Flags()
	flags.StringVar(&f.state, "state", "", "`DIR` that keeps the keys; without it nitroattest/simulator in the user's directory for configuration")
	flags.StringVarP(&output, "output", "o", "", "write the certificate to `FILE`")
	flags.StringVar(&broken, "broken", "", "the root of the document that this mutation breaks, by its `NAME`")
	flags.StringVar(&at, "time", "", "with --broken: the same time as for the document, as `RFC3339`")
	f.changed, f.container.changed = flags.Changed, flags.Changed
	cmd.RunE = func(*cobra.Command, []string) error {
		root, err := f.root(broken, at, std)
		if err != nil {
			return err
		}
		return writeOutput(std, flags.Changed("output"), output, root)
	}
	return cmd
}

func (f *enclaveFlags) root(broken, at string, std stdio) ([]byte, error) {
	if !f.changed("broken") {
		if f.changed("time") {
			return nil, errors.New("--time: given without --broken")
		}
		simulator, err := f.open(pcr.Enclave, std)
		if err != nil {
			return nil, err
		}
		return simulator.Root(), nil
	}
	a := attestFlags{enclave: *f, broken: broken, time: at}
	document, err := a.breakDocument(std)
	if err != nil {
		return nil, err
	}
	return document.RootPEM(), nil
}

func newSimulatePolicy(std stdio) *cobra.Command {
	var f enclaveFlags
	var output string
	cmd := &cobra.Command{
		Use:   "policy",
		Short: "Print the policy that accepts the simulated enclave",
		Long: `Policy prints the policy that accepts the enclave which the flags describe, and no
other: the registers of its image, and every register that --pcr gives.`,
		Example: `  nitroattest simulate policy -o policies/prod.json
  nitroattest simulate policy --eif enclave.eif --pcr 16=<hex>`,
		Args: cobra.NoArgs,
	}
	f.register(cmd)
	flags := cmd.Flags()
	flags.StringVarP(&output, "output", "o", "", "write the policy to `FILE`")
	cmd.RunE = func(*cobra.Command, []string) error {
		simulator, err := f.open(pcr.Kind(f.kind), std)
		if err != nil {
			return err
		}
		data, err := json.MarshalIndent(simulator.Policy(), "", "  ")
		if err != nil {
			return err
		}
		return writeOutput(std, flags.Changed("output"), output, append(printableJSON(data), '\n'))
	}
	return cmd
}

// writeOutput writes to the file of -o, or to standard output without it.
func writeOutput(std stdio, toFile bool, file string, data []byte) error {
	if !toFile {
		return printOut(std.out, data)
	}
	if err := writeFile(file, data); err != nil {
		return fmt.Errorf("-o: %w", err)
	}
	return nil
}

// printHint writes advice that belongs to no error.
func printHint(w io.Writer, text string) {
	fmt.Fprintf(w, "hint: %s\n", printable(text))
}

// shellWord quotes what a shell would take apart; hex digits, numbers and names
// of flags it would not.
func shellWord(word string) string {
	if word == "" {
		return "''"
	}
	return word
}
