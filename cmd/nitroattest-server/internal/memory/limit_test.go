package memory_test

import (
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/nitroattest/nitroattest/cmd/nitroattest-server/internal/memory"
)

func files(pairs ...string) fstest.MapFS {
	fs := fstest.MapFS{}
	for i := 0; i < len(pairs); i += 2 {
		fs[pairs[i]] = &fstest.MapFile{Data: []byte(pairs[i+1])}
	}
	return fs
}

const mib = 1 << 20

func TestFind(t *testing.T) {
	usual := memory.Limit{Bytes: memory.Usual, Source: "default"}
	group := func(n int64) memory.Limit { return memory.Limit{Bytes: n, Source: "control group"} }
	for name, c := range map[string]struct {
		flag    int64
		environ string
		files   fstest.MapFS
		want    memory.Limit
	}{
		"nothing":                          {0, "", files(), usual},
		"a flag":                           {300 * mib, "1GiB", files("proc/self/cgroup", "0::/\n", "sys/fs/cgroup/memory.max", "104857600\n"), memory.Limit{Bytes: 300 * mib, Source: "flag"}},
		"the environment":                  {0, "1GiB", files("proc/self/cgroup", "0::/\n", "sys/fs/cgroup/memory.max", "104857600\n"), memory.Limit{Source: "environment"}},
		"version 2, of a container":        {0, "", files("proc/self/cgroup", "0::/\n", "sys/fs/cgroup/memory.max", "209715200\n"), group(160 * mib)},
		"version 2, of a service":          {0, "", files("proc/self/cgroup", "0::/system.slice/n.service\n", "sys/fs/cgroup/system.slice/n.service/memory.max", "209715200\n"), group(160 * mib)},
		"version 2, of a group above":      {0, "", files("proc/self/cgroup", "0::/a/b\n", "sys/fs/cgroup/a/b/memory.max", "max\n", "sys/fs/cgroup/a/memory.max", "209715200\n"), group(160 * mib)},
		"the smaller of two":               {0, "", files("proc/self/cgroup", "0::/a/b\n", "sys/fs/cgroup/a/b/memory.max", "209715200\n", "sys/fs/cgroup/a/memory.max", "419430400\n"), group(160 * mib)},
		"version 2 without a limit":        {0, "", files("proc/self/cgroup", "0::/a\n", "sys/fs/cgroup/a/memory.max", "max\n"), usual},
		"much":                             {0, "", files("proc/self/cgroup", "0::/\n", "sys/fs/cgroup/memory.max", "68719476736\n"), usual},
		"too little to work with":          {0, "", files("proc/self/cgroup", "0::/\n", "sys/fs/cgroup/memory.max", "20971520\n"), group(memory.Smallest)},
		"version 1":                        {0, "", files("proc/self/cgroup", "5:cpu:/x\n4:memory:/x\n0::/\n", "sys/fs/cgroup/memory/x/memory.limit_in_bytes", "209715200\n"), group(160 * mib)},
		"version 1 without a limit":        {0, "", files("proc/self/cgroup", "4:memory:/x\n", "sys/fs/cgroup/memory/x/memory.limit_in_bytes", "9223372036854771712\n"), usual},
		"version 1, the path of the host":  {0, "", files("proc/self/cgroup", "4:memory:/docker/0123\n", "sys/fs/cgroup/memory/memory.limit_in_bytes", "209715200\n"), group(160 * mib)},
		"a path that leaves the hierarchy": {0, "", files("proc/self/cgroup", "0::/../../x\n", "sys/fs/cgroup/memory.max", "209715200\n"), group(160 * mib)},
		"nonsense":                         {0, "", files("proc/self/cgroup", "0\n::\n0::/\n", "sys/fs/cgroup/memory.max", "-5\n"), usual},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			assert.Equal(t, c.want, memory.Find(c.flag, c.environ, c.files))
		})
	}
}

func TestParseSize(t *testing.T) {
	for text, want := range map[string]int64{"1B": 1, "64KiB": 64 << 10, "256MiB": 256 << 20, "2GiB": 2 << 30, "8589934591GiB": 8589934591 << 30} {
		got, err := memory.ParseSize(text)
		require.NoError(t, err, text)
		assert.Equal(t, want, got, text)
	}
	for _, text := range []string{"", "0MiB", "-1MiB", "+1MiB", "1", "MiB", "1.5GiB", "1MB", "8589934592GiB", "99999999999999999999B", "1 MiB", "1MiBB"} {
		_, err := memory.ParseSize(text)
		assert.ErrorContains(t, err, "expected a size such as 256MiB", text)
	}
}
