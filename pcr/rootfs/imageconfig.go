package rootfs

import (
	"fmt"
	"path"
	"strings"

	"github.com/nitroattest/nitroattest/pcr/eif"
)

// imageConfig is the configuration of an image (OCI image specification,
// config.md), as far as it matters here. Pointers tell null from [].
type imageConfig struct {
	Architecture string                  `json:"architecture"`
	OS           string                  `json:"os"`
	Variant      string                  `json:"variant"`
	Config       nested[containerConfig] `json:"config"`
	RootFS       nested[rootFS]          `json:"rootfs"`
}

type containerConfig struct {
	Cmd, Entrypoint, Env *[]string
	WorkingDir           string
}

func (containerConfig) members() []string { return []string{"Cmd", "Entrypoint", "Env", "WorkingDir"} }

type rootFS struct {
	DiffIDs []string `json:"diff_ids"`
}

func (rootFS) members() []string { return []string{"diff_ids"} }

func (c *candidate) parseConfig() error {
	if err := decodeObject(c.config, &c.configOf, "architecture", "os", "variant", "config", "rootfs"); err != nil {
		return err
	}
	c.platform = platform{c.configOf.Architecture, c.configOf.OS, c.configOf.Variant}
	return nil
}

func (c *candidate) diffIDs() []string {
	if c.configOf.RootFS.value == nil {
		return nil
	}
	return c.configOf.RootFS.value.DiffIDs
}

// container returns the part about the container, which may be left out.
func (c *candidate) container() containerConfig {
	if c.configOf.Config.value == nil {
		return containerConfig{}
	}
	return *c.configOf.Config.value
}

// describe checks what can be told without the layers and puts it in the set.
func (b *builder) describe(c *candidate) error {
	s := b.set
	switch c.configOf.Architecture {
	case "amd64":
		s.Architecture = eif.X8664
	case "arm64":
		s.Architecture = eif.AArch64
	default:
		return b.fail(UnsupportedArchitecture, "", fmt.Sprintf("found the architecture %q, expected amd64 or arm64", c.configOf.Architecture), nil)
	}
	if os := c.configOf.OS; os != "linux" && os != "" {
		return b.fail(UnsupportedArchitecture, "", fmt.Sprintf("found the operating system %q, expected linux", os), nil)
	}
	if len(c.diffIDs()) != len(c.layers) {
		return b.fail(LayerCount, "", fmt.Sprintf("found %d layers and %d diff IDs in the configuration", len(c.layers), len(c.diffIDs())), nil)
	}
	if len(c.names) > 0 {
		s.Name = c.names[0]
	}
	s.ImageID, s.Config, s.Layers = c.imageID, c.config, c.diffIDs()
	return nil
}

// command returns the contents of the files cmd and env.
func (b *builder) command(c *candidate) (cmd, env string, err error) {
	config := c.container()
	words := config.Cmd
	name := "Cmd"
	if words != nil && len(*words) == 0 {
		if err := b.irreproducible(EmptyCommand, "", "found Cmd [], of which Docker up to version 25 makes an empty command and Docker 29 takes Entrypoint"); err != nil {
			return "", "", err
		}
		words = nil
	}
	if words == nil {
		words, name = config.Entrypoint, "Entrypoint"
	}
	if words == nil {
		return "", "", b.fail(NoCommand, "", "found neither Cmd nor Entrypoint in the configuration, expected one", nil)
	}
	if len(*words) == 0 {
		if err := b.irreproducible(EmptyCommand, "", "found "+name+" [], which Docker 29 leaves out"); err != nil {
			return "", "", err
		}
		return "", "", b.fail(NoCommand, "", "found neither Cmd nor Entrypoint in the configuration, expected one", nil)
	}
	if config.Env == nil {
		if config.Cmd != nil {
			b.warn(EnvMissing, "", "found Cmd and no Env: nitro-cli before 1.3.0 ignores Cmd then")
		}
		return lines(*words), "", nil
	}
	return lines(*words), lines(*config.Env), nil
}

func lines(words []string) string {
	var b strings.Builder
	for _, word := range words {
		b.WriteString(word)
		b.WriteByte('\n')
	}
	return b.String()
}

// workingDir returns WorkingDir as a path from the root, "." for the root.
func (b *builder) workingDir(c *candidate) (string, error) {
	dir := c.container().WorkingDir
	if dir == "" {
		return ".", nil
	}
	if !strings.HasPrefix(dir, "/") {
		return "", b.fail(WorkingDirInvalid, dir, "found a WorkingDir that is not absolute", nil)
	}
	return path.Clean("." + path.Clean(dir)), nil
}
