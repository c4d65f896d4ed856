package pcr_test

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/nitroattest/nitroattest/pcr"
)

func numbered(n int) pcr.Value {
	var v pcr.Value
	binary.BigEndian.PutUint32(v[:], uint32(n)+1)
	return v
}

// A Matcher and Policy.Match, which looks at one image after the other, agree.
func TestMatcherAgreesWithMatch(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(3, 4))
	sets := [][]int{{0}, {1, 2}, {8}, {0, 8}, {0, 3}, {1, 2, 4}, {8, 16}}
	matched := 0
	for range 3000 {
		var policy pcr.Policy
		for range 1 + random.IntN(8) {
			bank := pcr.Bank{}
			for _, register := range sets[random.IntN(len(sets))] {
				bank[register] = numbered(random.IntN(3))
			}
			policy.Images = append(policy.Images, pcr.Image{Name: fmt.Sprint(len(policy.Images)), PCRs: bank})
		}
		matcher, err := pcr.NewMatcher(policy)
		if err != nil {
			require.ErrorIs(t, err, pcr.RedundantImage)
			continue
		}
		for range 10 {
			got := pcr.Bank{}
			for _, register := range []int{0, 1, 2, 3, 4, 8, 16} {
				if random.IntN(6) > 0 {
					got[register] = numbered(random.IntN(3))
				}
			}
			want, wantErr := policy.Match(got)
			image, err := matcher.Match(got)
			require.Equal(t, want, image)
			require.Equal(t, wantErr, err)
			if err == nil {
				matched++
			}
		}
	}
	require.NotZero(t, matched)
}

func TestMatcherIsNotItsCallers(t *testing.T) {
	t.Parallel()
	policy := pcr.Policy{Images: []pcr.Image{{Name: "v1", PCRs: pinned(0), Exchange: []int{16}}}}
	matcher, err := pcr.NewMatcher(policy)
	require.NoError(t, err)
	policy.Images[0].PCRs[0], policy.Images[0].Exchange[0] = filled(1), 17
	for range 2 {
		image, err := matcher.Match(pinned(0))
		require.NoError(t, err)
		require.Equal(t, pcr.Image{Name: "v1", PCRs: pinned(0), Exchange: []int{16}}, image)
		clear(image.PCRs)
		image.Exchange[0] = 18
	}
}

func TestNewMatcherRefusesWhatValidateDoes(t *testing.T) {
	t.Parallel()
	matcher, err := pcr.NewMatcher(pcr.Policy{})
	require.ErrorIs(t, err, pcr.EmptyPolicy)
	assert.Nil(t, matcher)
}

// An image of which another accepts everything says nothing, or something else
// than was meant.
func TestRedundantImagesAreRefused(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		images []pcr.Bank
		text   string // empty: valid
	}{
		"equal":           {[]pcr.Bank{pinned(0), pinned(0)}, `redundant-image: images[1].pcrs: images[0] ("0") accepts all that this one does; take one of them out`},
		"narrower after":  {[]pcr.Bank{pinned(0), pinned(0, 8)}, `redundant-image: images[1].pcrs: images[0] ("0") accepts all that this one does; take one of them out`},
		"narrower before": {[]pcr.Bank{pinned(0, 8), pinned(0)}, `redundant-image: images[0].pcrs: images[1] ("1") accepts all that this one does; take one of them out`},
		"other value":     {[]pcr.Bank{pinned(0), {0: filled(1), 8: filled(0xa8)}}, ""},
		"overlapping":     {[]pcr.Bank{pinned(0, 3), pinned(0, 4)}, ""},
		"other registers": {[]pcr.Bank{pinned(0), pinned(8)}, ""},
	} {
		var policy pcr.Policy
		for i, bank := range c.images {
			policy.Images = append(policy.Images, pcr.Image{Name: fmt.Sprint(i), PCRs: bank})
		}
		if c.text == "" {
			require.NoError(t, policy.Validate(), name)
			continue
		}
		require.EqualError(t, policy.Validate(), c.text, name)
	}
}

func manyImages(n int) pcr.Policy {
	var policy pcr.Policy
	for i := range n {
		policy.Images = append(policy.Images, pcr.Image{Name: fmt.Sprint(i), PCRs: pcr.Bank{0: numbered(i), 1: numbered(7), 2: numbered(i), 8: numbered(8)}})
	}
	return policy
}

func BenchmarkMatcher(b *testing.B) {
	for _, n := range []int{1, 1000} {
		policy := manyImages(n)
		got := policy.Images[n-1].PCRs
		for register := range 16 {
			if _, ok := got[register]; !ok {
				got[register] = pcr.Value{}
			}
		}
		policy = manyImages(n)
		matcher, err := pcr.NewMatcher(policy)
		require.NoError(b, err)
		b.Run(fmt.Sprintf("prepared/images=%d", n), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := matcher.Match(got); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(fmt.Sprintf("unprepared/images=%d", n), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := policy.Match(got); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(fmt.Sprintf("mismatch/images=%d", n), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := matcher.Match(pcr.Bank{0: {1}}); err == nil {
					b.Fatal("matched")
				}
			}
		})
	}
}
