package release_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"
)

// need skips a test, with a line, where something is not there.
func need(t *testing.T, programs ...string) {
	if testing.Short() {
		t.Skip("nothing concurrent, and many processes")
	}
	work, err := exec.Command("go", "env", "GOWORK").Output()
	require.NoError(t, err)
	if where := strings.TrimSpace(string(work)); where == "" || where == "off" {
		t.Skip("SKIPPED: the command is a module of its own, which go.work joins")
	}
	if runtime.GOOS == "windows" {
		t.Skip("SKIPPED: shell scripts")
	}
	for _, program := range programs {
		if _, err := exec.LookPath(program); err != nil {
			t.Skipf("SKIPPED: there is no %s here", program)
		}
	}
}

// The script prints what its README says, and nothing else.
func TestScriptDoesWhatItsReadmeSays(t *testing.T) {
	t.Parallel()
	need(t, "sh", "openssl")
	readme, err := os.ReadFile("README.md")
	require.NoError(t, err)
	cmd := exec.Command("sh", "release.sh")
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	require.NoError(t, err)
	assert.Contains(t, string(readme), "```\n"+string(out)+"```\n")
}

// workflow is what the tests read of a workflow file.
type workflow struct {
	Jobs map[string]struct {
		Steps []struct {
			Name, Uses, Run string
			With            map[string]string
		}
	}
}

// GitHub cannot be run here. What can be: the step that makes the reference values,
// with an image at hand, and the flags of every command.
func TestWorkflow(t *testing.T) {
	t.Parallel()
	need(t, "sh")
	text, err := os.ReadFile("release.yml")
	require.NoError(t, err)
	var w workflow
	require.NoError(t, yaml.Unmarshal(text, &w))
	bin, dir := t.TempDir(), t.TempDir()
	out, err := exec.Command("go", "build", "-o", bin+string(filepath.Separator), "github.com/nitroattest/nitroattest/cmd/nitroattest").CombinedOutput()
	require.NoError(t, err, string(out))

	reproduce, err := filepath.Abs("../reproduce")
	require.NoError(t, err)
	require.NoError(t, os.Symlink(filepath.Join(reproduce, "image", "first.tar"), filepath.Join(dir, "image.tar")))
	require.NoError(t, os.Symlink(filepath.Join(reproduce, "blobs"), filepath.Join(dir, "blobs")))
	ran := map[string]bool{}
	for _, step := range w.Jobs["release"].Steps {
		knownFlags(t, filepath.Join(bin, "nitroattest"), step.Run)
		switch step.Name {
		case "reference values":
			cmd := exec.Command("sh", "-eu", "-c", step.Run)
			cmd.Dir = dir
			cmd.Env = append(os.Environ(), "PATH="+bin+string(os.PathListSeparator)+os.Getenv("PATH"),
				"POLICY=example.com/hello", "VERSION=7", "IMAGE=v1.2.0", "REVOKE=v1.0.0 v1.1.0")
			out, err := cmd.CombinedOutput()
			require.NoError(t, err, string(out))
		case "sign":
			assert.Regexp(t, `^actions/attest@`, step.Uses)
			for _, input := range []string{"subject-path", "predicate-path"} {
				assert.FileExists(t, filepath.Join(dir, step.With[input]))
			}
			assert.Equal(t, "https://github.com/nitroattest/nitroattest/reference-values/v1", step.With["predicate-type"])
			data, err := os.ReadFile(filepath.Join(dir, step.With["predicate-path"]))
			require.NoError(t, err)
			var predicate struct {
				Name    string   `json:"name"`
				Version int      `json:"version"`
				Revoked []string `json:"revoked"`
				Policy  struct {
					Images []struct{ Name string } `json:"images"`
				} `json:"policy"`
			}
			require.NoError(t, json.Unmarshal(data, &predicate))
			assert.Equal(t, "example.com/hello", predicate.Name)
			assert.Equal(t, 7, predicate.Version)
			assert.Equal(t, []string{"v1.0.0", "v1.1.0"}, predicate.Revoked)
			require.Len(t, predicate.Policy.Images, 1)
			assert.Equal(t, "v1.2.0", predicate.Policy.Images[0].Name)
		}
		ran[step.Name] = true
	}
	for _, name := range []string{"reference values", "sign", "verify"} {
		assert.True(t, ran[name], "no step %q", name)
	}
}

var (
	continued = regexp.MustCompile(`\\\n\s*`)
	invoked   = regexp.MustCompile(`^\s*nitroattest ((?:[a-z]+ )+)`)
	flag      = regexp.MustCompile(` (--[a-z-]+)`)
)

// knownFlags asks the command whether it has the flags that a script gives it.
func knownFlags(t *testing.T, nitroattest, script string) {
	for _, line := range strings.Split(continued.ReplaceAllString(script, ""), "\n") {
		command := invoked.FindStringSubmatch(line)
		if command == nil {
			continue
		}
		help, err := exec.Command(nitroattest, append(strings.Fields(command[1]), "--help")...).Output()
		require.NoError(t, err, line)
		for _, given := range flag.FindAllStringSubmatch(line, -1) {
			assert.Contains(t, string(help), given[1]+" ", line)
		}
	}
}
