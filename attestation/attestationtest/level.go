package attestationtest

// Level is a place in the chain, and the index of a certificate in
// [Blueprint.Chain].
type Level int

// The five levels of every chain that AWS issues, from the top.
const (
	LevelRoot Level = iota
	LevelRegional
	LevelZonal
	LevelInstance
	LevelLeaf
)

var levelNames = [...]string{"root", "regional", "zonal", "instance", "leaf"}

// String returns "root", "regional", "zonal", "instance" or "leaf".
func (l Level) String() string {
	if l < 0 || int(l) >= len(levelNames) {
		return "unknown"
	}
	return levelNames[l]
}
