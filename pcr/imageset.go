package pcr

import "fmt"

// unnamed is what an image is called whose source gives it no name.
const unnamed = "image"

// sourced is an image and where in a text it was read.
type sourced struct {
	Image
	at        node
	own       bool // at is an image of the policy form
	registers map[int]node
}

// imageSet collects images from sources that neither keep them apart nor name
// them: what another image accepts too is left out, and a name that is taken
// gets a number.
type imageSet struct{ list []sourced }

// images returns the images that are not redundant, in their order.
func (s imageSet) images() []sourced {
	plain := make([]Image, len(s.list))
	for i, image := range s.list {
		plain[i] = image.Image
	}
	index := newIndex(plain)
	var out []sourced
	names := map[string]int{} // how often a name was asked for
	for i, image := range s.list {
		if index.covering(image.PCRs, i) != none {
			continue
		}
		base := image.Name
		for names[image.Name] > 0 {
			names[base]++
			image.Name = fmt.Sprintf("%s %d", base, names[base])
		}
		names[image.Name]++
		out = append(out, image)
	}
	return out
}

func (s *imageSet) add(image sourced) { s.list = append(s.list, image) }
