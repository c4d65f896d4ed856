//go:build unix

package eif_test

import (
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/nitroattest/nitroattest/pcr/eif"
)

// BenchmarkPasses measures an image between SHA-384 passes over it and reports
// the processor time in two such passes, for every byte goes into two registers,
// and the time of the clock in one. With GOMAXPROCS=1 the first is what counts.
func BenchmarkPasses(b *testing.B) {
	image := sparseImage(256 << 20)
	pass := func() {
		_, err := sha384Pass(image)
		require.NoError(b, err)
	}
	var wall, cpu [2]time.Duration // of the passes and of Measure
	timed := func(which int, f func()) {
		startCPU, start := processorTime(b), time.Now()
		f()
		wall[which] += time.Since(start)
		cpu[which] += processorTime(b) - startCPU
	}
	for b.Loop() {
		timed(0, pass)
		timed(1, func() {
			_, err := eif.Measure(image, image.size)
			require.NoError(b, err)
		})
		timed(0, pass)
	}
	b.ReportMetric(float64(cpu[1])/float64(cpu[0]), "cpu/2-passes")
	b.ReportMetric(2*float64(wall[1])/float64(wall[0]), "wall/pass")
	b.ReportMetric(0, "ns/op")
}

// processorTime is what this process has had of all processors.
func processorTime(b *testing.B) time.Duration {
	var usage syscall.Rusage
	require.NoError(b, syscall.Getrusage(syscall.RUSAGE_SELF, &usage))
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}
