package main

import (
	"encoding/json"
	"io"
	"net/http"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/nitroattest/nitroattest/attestation/challenge/redisstore/redistest"
)

var metricName = regexp.MustCompile(`\b(nitroattest|process|go)_[a-z_]+`)

// Rules about metrics that there are not would never fire, and panels about them
// would stay empty. Those that describe something which is not there in this test are
// described in its source.
func TestAlertsAndPanelsAreAboutMetricsThatThereAre(t *testing.T) {
	r := startReplicas(t, redistest.New(t, redisOptions...), 1)[0]
	requireVerdict(t, r, exchange(t, r), "")
	response, err := http.Get(r.url + "/metrics")
	require.NoError(t, err)
	defer response.Body.Close()
	metrics, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	described, err := os.ReadFile("internal/service/filemetrics.go")
	require.NoError(t, err)
	there := func(name string) bool {
		return strings.Contains(string(metrics), "\n"+name+"{") || strings.Contains(string(metrics), "\n"+name+" ") ||
			strings.Contains(string(described), `"`+name+`"`)
	}
	require.False(t, there("nitroattest_unheard_of"))

	rules, err := os.ReadFile("../../deploy/prometheus/alerts.yaml")
	require.NoError(t, err)
	for from, text := range map[string]string{"alerts": string(rules), "dashboard": expressions(t)} {
		names := metricName.FindAllString(text, -1)
		assert.NotEmpty(t, names, from)
		for _, name := range names {
			assert.True(t, there(name), "%s: %s", from, name)
		}
	}
}

// expressions are what the panels of the dashboard ask for. Each has to ask for
// something, and no two may lie over each other.
func expressions(t *testing.T) string {
	text, err := os.ReadFile("../../deploy/grafana/nitroattest-server.json")
	require.NoError(t, err)
	var dashboard struct {
		Panels []struct {
			ID      int
			Type    string
			Title   string
			GridPos struct{ X, Y, W, H int }
			Targets []struct{ Expr string }
		}
	}
	require.NoError(t, json.Unmarshal(text, &dashboard))
	var out []string
	ids, taken := map[int]bool{}, map[[2]int]string{}
	for _, panel := range dashboard.Panels {
		assert.False(t, ids[panel.ID], "%s: another panel has its ID", panel.Title)
		ids[panel.ID] = true
		for x := panel.GridPos.X; x < panel.GridPos.X+panel.GridPos.W; x++ {
			assert.Less(t, x, 24, panel.Title)
			for y := panel.GridPos.Y; y < panel.GridPos.Y+panel.GridPos.H; y++ {
				assert.Empty(t, taken[[2]int{x, y}], "%s lies over it", panel.Title)
				taken[[2]int{x, y}] = panel.Title
			}
		}
		if panel.Type == "row" {
			continue
		}
		assert.NotEmpty(t, panel.Targets, panel.Title)
		for _, target := range panel.Targets {
			assert.Regexp(t, metricName, target.Expr, panel.Title)
			out = append(out, target.Expr)
		}
	}
	return strings.Join(out, "\n")
}
