package pcr

import "fmt"

// unnamed is what an image is called whose source gives it no name.
const unnamed = "image"

// imageSet collects images from sources that neither keep them apart nor name
// them: the same registers are added once, and a name that is taken gets a
// number.
type imageSet struct {
	list  []Image
	added int // calls of add
	banks map[string]bool
	names map[string]int // how often a name was asked for
}

func (s *imageSet) add(image Image) {
	if s.banks == nil {
		s.banks, s.names = map[string]bool{}, map[string]int{}
	}
	s.added++
	key := image.PCRs.key()
	if s.banks[key] {
		return
	}
	s.banks[key] = true
	base := image.Name
	for s.names[image.Name] > 0 {
		s.names[base]++
		image.Name = fmt.Sprintf("%s %d", base, s.names[base])
	}
	s.names[image.Name]++
	s.list = append(s.list, image)
}

// key is equal for two banks exactly when they hold the same registers.
func (b Bank) key() string {
	key := make([]byte, 0, len(b)*(Size+1))
	for _, register := range b.Registers() {
		value := b[register]
		key = append(append(key, byte(register)), value[:]...)
	}
	return string(key)
}
