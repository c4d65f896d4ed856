package reproduce_test

import (
	"os"
	"os/exec"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The script prints what its README says, and nothing else.
func TestScriptDoesWhatItsReadmeSays(t *testing.T) {
	if testing.Short() {
		t.Skip("nothing concurrent, and many processes")
	}
	work, err := exec.Command("go", "env", "GOWORK").Output()
	require.NoError(t, err)
	if where := strings.TrimSpace(string(work)); where == "" || where == "off" {
		t.Skip("SKIPPED: the command is a module of its own, which go.work joins")
	}
	if _, err := exec.LookPath("sh"); err != nil || runtime.GOOS == "windows" {
		t.Skip("SKIPPED: shell scripts")
	}
	readme, err := os.ReadFile("README.md")
	require.NoError(t, err)
	cmd := exec.Command("sh", "reproduce.sh")
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	require.NoError(t, err)
	assert.Contains(t, string(readme), "```\n"+string(out)+"```\n")
}
