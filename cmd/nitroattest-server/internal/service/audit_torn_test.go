package service

import (
	"bytes"
	"encoding/json"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// disk has room for some bytes.
type disk struct {
	bytes.Buffer
	room int
}

func (d *disk) Write(p []byte) (int, error) {
	n := min(len(p), d.room)
	d.room -= n
	d.Buffer.Write(p[:n])
	if n < len(p) {
		return n, syscall.ENOSPC
	}
	return n, nil
}

func (*disk) Close() error { return nil }

// A line that did not fit takes no part of the next one, however often the disk
// was full in between.
func TestALineThatDidNotFitSpoilsNoOther(t *testing.T) {
	t.Parallel()
	d := &disk{}
	a := &Audit{file: d}
	for _, each := range []struct {
		room int
		id   string
	}{{1000, "first"}, {10, "torn"}, {0, "lost"}, {1, "lost"}, {1000, "second"}, {1000, "third"}} {
		d.room = each.room
		err := a.write(auditLine{RequestID: each.id})
		assert.Equal(t, each.room == 1000, err == nil, each.id)
	}
	lines := strings.Split(strings.TrimSuffix(d.String(), "\n"), "\n")
	var whole []string
	for _, line := range lines {
		if json.Valid([]byte(line)) {
			whole = append(whole, line)
		}
	}
	require.Len(t, whole, 3)
	for i, id := range []string{"first", "second", "third"} {
		assert.Contains(t, whole[i], `"request_id":"`+id+`"`)
	}
}
