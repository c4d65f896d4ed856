//go:build unix

package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// startsOf are programs that show what a start is made of.
var startsOf = map[string]string{
	"hello": `package main; import "fmt"; func main() { fmt.Println("hello") }`,
	"x509":  `package main; import ("fmt"; _ "crypto/x509"); func main() { fmt.Println("hello") }`,
	"library": `package main; import ("fmt"; _ "github.com/nitroattest/nitroattest/attestation")
		func main() { fmt.Println("hello") }`,
}

// BenchmarkStart compares the processor time of "nitroattest version" with that
// of a program that says hello, and with one that also imports crypto/x509 or the
// library. Each round runs every program; the medians of the ratios are reported,
// and the page faults.
func BenchmarkStart(b *testing.B) {
	dir := b.TempDir()
	names := []string{"hello", "x509", "library", "nitroattest"}
	for _, name := range names {
		source := "."
		if text, ok := startsOf[name]; ok {
			source = filepath.Join(dir, name+".go")
			require.NoError(b, os.WriteFile(source, []byte(text), 0o600))
		}
		out, err := exec.Command("go", "build", "-o", filepath.Join(dir, name), source).CombinedOutput()
		require.NoError(b, err, string(out))
	}
	const starts = 20 // in each round
	ratios := map[string][]float64{}
	faults := map[string]int64{}
	for b.Loop() {
		took := map[string]time.Duration{}
		for range starts {
			for _, name := range names {
				cmd := exec.Command(filepath.Join(dir, name), "version")
				require.NoError(b, cmd.Run())
				took[name] += cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
				faults[name] = cmd.ProcessState.SysUsage().(*syscall.Rusage).Minflt
			}
		}
		for _, name := range names {
			ratios[name] = append(ratios[name], float64(took[name])/float64(took["hello"]))
		}
	}
	for _, name := range names {
		slices.Sort(ratios[name])
		b.ReportMetric(ratios[name][len(ratios[name])/2], name+"/hello")
		b.ReportMetric(float64(faults[name]), name+"-faults")
	}
}
