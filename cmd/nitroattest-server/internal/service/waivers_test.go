package service_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/nitroattest/nitroattest/cmd/nitroattest-server/internal/service"
)

func TestWhatIsLeftOutIsLoud(t *testing.T) {
	for weakens, status := range map[bool]string{true: "warning", false: "affirming"} {
		k := newKit(t, func(k *kit) {
			k.config.Waivers = []service.Waiver{{Name: service.WaiverDebug, Detail: "debug mode will do", Weakens: weakens}}
			k.config.RootHashes = service.RootHashes(k.hypervisor.Roots())
		})
		assert.Contains(t, k.log.String(), `"level":"WARN","msg":"insecure setting","setting":"debug-allowed","detail":"debug mode will do"`)
		_, state := k.send(t, "GET", "/readyz", "")
		assert.Equal(t, []any{object{"name": "debug-allowed", "detail": "debug mode will do", "weakens_verdicts": weakens}}, state["warnings"])
		assert.Contains(t, k.metrics(t), `nitroattest_insecure_setting{setting="debug-allowed"} 1`)

		verdict := k.verify(t, with(k.good(t), "ear", "accepted"))
		_, submod := k.submod(t, verdict)
		assert.Equal(t, status, submod["ear_status"])
		own := submod["github.com/nitroattest/nitroattest"].(object)
		assert.Equal(t, []any{"debug-allowed"}, own["insecure_settings"])
		assert.Equal(t, []any{service.RootHashes(k.hypervisor.Roots())[0]}, own["roots_sha256"])
	}
	_, state := newKit(t).send(t, "GET", "/readyz", "")
	assert.Empty(t, state["warnings"])
}
