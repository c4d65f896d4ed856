package savedtext_test

import (
	"encoding/binary"
	"testing"
	"unicode/utf16"

	"github.com/stretchr/testify/require"

	"github.com/nitroattest/nitroattest/internal/savedtext"
)

func encode(order binary.AppendByteOrder, text string) []byte {
	var out []byte
	for _, unit := range utf16.Encode([]rune(text)) {
		out = order.AppendUint16(out, unit)
	}
	return out
}

func TestDecode(t *testing.T) {
	t.Parallel()
	const text = "PCR0 \u00e9 \u20ac \U0001f512\r\n"
	for name, data := range map[string][]byte{
		"no mark":               []byte(text),
		"UTF-8 with a mark":     []byte("\ufeff" + text),
		"UTF-16, little-endian": encode(binary.LittleEndian, "\ufeff"+text),
		"UTF-16, big-endian":    encode(binary.BigEndian, "\ufeff"+text),
	} {
		t.Run(name, func(t *testing.T) {
			got, err := savedtext.Decode(data)
			require.NoError(t, err)
			require.Equal(t, text, string(got))
		})
	}
}

func TestDecodeTakesOneMark(t *testing.T) {
	t.Parallel()
	got, err := savedtext.Decode([]byte("\xef\xbb\xbf\xfe\xff"))
	require.NoError(t, err)
	require.Equal(t, "\xfe\xff", string(got))
}

func TestDecodeKeepsWhatIsNoText(t *testing.T) {
	t.Parallel()
	got, err := savedtext.Decode([]byte{0x84, 0x44, 0xff})
	require.NoError(t, err)
	require.Equal(t, []byte{0x84, 0x44, 0xff}, got)
}

func TestDecodeRefuses(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		data string
		err  error
	}{
		"odd length":                 {"\xff\xfea\x00b", savedtext.ErrOddLength},
		"high surrogate at the end":  {"\xff\xfe\x00\xd8", savedtext.ErrHalfSurrogate},
		"high surrogate and letter":  {"\xff\xfe\x00\xd8a\x00", savedtext.ErrHalfSurrogate},
		"low surrogate before high":  {"\xfe\xff\xdc\x00\xd8\x00", savedtext.ErrHalfSurrogate},
		"low surrogate without high": {"\xfe\xff\xdc\x00\x00a", savedtext.ErrHalfSurrogate},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := savedtext.Decode([]byte(tt.data))
			require.ErrorIs(t, err, tt.err)
			require.Nil(t, got)
		})
	}
}

func TestJSONStart(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]int{
		"{}":                       0,
		"[1]":                      0,
		"Start building...\n{\n}":  18,
		"no { here\n\r\n\n[":       13,
		"a {":                      -1,
		"":                         -1,
		"Enclave Image\n (none)\n": -1,
	} {
		got, ok := savedtext.JSONStart([]byte(text))
		require.Equal(t, want >= 0, ok, "%q", text)
		if ok {
			require.Equal(t, want, got, "%q", text)
		}
	}
}
