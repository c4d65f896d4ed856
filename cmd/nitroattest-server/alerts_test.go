package main

import (
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

// Rules about metrics that there are not would never fire. Those that describe
// something which is not there in this test are described in its source.
func TestAlertsAreAboutMetricsThatThereAre(t *testing.T) {
	rules, err := os.ReadFile("../../deploy/prometheus/alerts.yaml")
	require.NoError(t, err)
	r := startReplicas(t, redistest.New(t, redisOptions...), 1)[0]
	requireVerdict(t, r, exchange(t, r), "")
	response, err := http.Get(r.url + "/metrics")
	require.NoError(t, err)
	defer response.Body.Close()
	metrics, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	described, err := os.ReadFile("internal/service/filemetrics.go")
	require.NoError(t, err)

	names := regexp.MustCompile(`nitroattest_[a-z_]+`).FindAllString(string(rules), -1)
	assert.NotEmpty(t, names)
	for _, name := range names {
		there := strings.Contains(string(metrics), "\n"+name+"{") || strings.Contains(string(metrics), "\n"+name+" ")
		assert.True(t, there || strings.Contains(string(described), `"`+name+`"`), name)
	}
}
