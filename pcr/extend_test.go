package pcr_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/nitroattest/nitroattest/pcr"
)

// The values are of sha384sum over the old value and the data:
// (head -c 48 /dev/zero; printf manifest) | sha384sum, and so on.
func TestExtend(t *testing.T) {
	t.Parallel()
	manifest, config := []byte("manifest"), []byte("config")
	one := pcr.Extend(pcr.Value{}, manifest)
	assert.Equal(t, pcr.ForRole("manifest"), one, "the same operation")
	assert.Equal(t, "b4394d4b30d581097aec9a477f7599d5d4b223af651453d4e11e8a7282e90ee9d61cd04a7599c8e74bf1b024ddd6f458", one.String())
	both := pcr.Extend(pcr.Value{}, manifest, config)
	assert.Equal(t, "fd539835543a25f6f02d0c2519ac08264890d56c5fef9c1e1537dca54048b75f685e7f3134883391266dbb239d9a7caa", both.String())
	assert.Equal(t, both, one.Extend(config))
	assert.NotEqual(t, both, pcr.Extend(pcr.Value{}, config, manifest), "the order counts")
	assert.NotEqual(t, both, pcr.Extend(pcr.Value{}, []byte("manifestconfig")), "so do the borders")
	assert.Equal(t, one, pcr.Extend(one), "nothing was measured")
	assert.NotEqual(t, one, pcr.Extend(one, nil), "no bytes were measured")
}

func TestReplay(t *testing.T) {
	t.Parallel()
	from := pcr.Bank{0: filled(0xa0), 16: filled(0xaf)}
	kept := pcr.Bank{0: filled(0xa0), 16: filled(0xaf)}
	got := pcr.Replay(from, pcr.Event{Register: 16, Data: []byte("a")}, pcr.Event{Register: 17, Data: []byte("b")}, pcr.Event{Register: 16, Data: []byte("c")})
	assert.Equal(t, pcr.Bank{
		0:  filled(0xa0),
		16: pcr.Extend(filled(0xaf), []byte("a"), []byte("c")),
		17: pcr.Extend(pcr.Value{}, []byte("b")),
	}, got)
	assert.Equal(t, kept, from, "left alone")
	assert.Equal(t, pcr.Bank{}, pcr.Replay(nil))
}

func TestExchangeSurvivesJSON(t *testing.T) {
	t.Parallel()
	policy := pcr.Policy{Images: []pcr.Image{{Name: "v1", PCRs: pcr.Bank{0: filled(0xa0)}, Exchange: []int{16, 31}, Source: "release v1"}}}
	data, err := json.Marshal(policy)
	require.NoError(t, err)
	assert.JSONEq(t, expand(`{"images": [{"name": "v1", "pcrs": {"0": "<a0>"}, "exchange": [16, 31], "source": "release v1"}]}`), string(data))
	got, err := pcr.ReadPolicy(strings.NewReader(string(data)))
	require.NoError(t, err)
	assert.Equal(t, policy, got)
	image, err := got.Match(pcr.Bank{0: filled(0xa0)})
	require.NoError(t, err)
	assert.Equal(t, []int{16, 31}, image.Exchange)
}

func TestExchangeIsOfTheApplicationsRegisters(t *testing.T) {
	t.Parallel()
	image := func(exchange string) string {
		return `{"images": [{"name": "v1", "pcrs": {"0": "<a0>", "18": "<a1>"}, "exchange": ` + exchange + `}]}`
	}
	_, err := readPolicy(image(`[16, 17]`))
	require.NoError(t, err)
	const field = `images[0].exchange`
	requireAllRefused(t, []refusal{
		{"of the hypervisor", image(`[8]`), `invalid-exchange: ` + field + `: found register 8, expected registers that an application extends: 16 to 31`},
		{"pinned", image(`[18]`), `invalid-exchange: ` + field + `: register 18 has a value in pcrs, expected one or the other`},
		{"twice", image(`[16, 16]`), `invalid-exchange: ` + field + `: register 16 is given twice`},
		{"empty", image(`[]`), `invalid-field: ` + field + `: empty, expected registers, or no such key`},
		{"null", image(`null`), `invalid-field: ` + field + `: found null, expected an array`},
		{"text", image(`["16"]`), `invalid-field: ` + field + `[0]: found a string, expected a register, a number from 0 to 31`},
		{"fraction", image(`[16.0]`), `invalid-field: ` + field + `[0]: found 16.0, expected a register, a number from 0 to 31`},
		{"register 32", image(`[32]`), `invalid-field: ` + field + `[0]: found 32, expected a register, a number from 0 to 31`},
		{"register -1", image(`[-1]`), `invalid-field: ` + field + `[0]: found -1, expected a register, a number from 0 to 31`},
	})
	tpm := pcr.Policy{Kind: pcr.NitroTPM, Images: []pcr.Image{{PCRs: pinned(4, 12, 13), Exchange: []int{16, 23}}}}
	require.NoError(t, tpm.Validate())
	tpm.Images[0].Exchange = []int{17}
	require.ErrorIs(t, tpm.Validate(), pcr.InvalidExchange)
}
