package pcr

// IsPlain is isPlain, IsRegisterLine is isRegisterLine, IsBareValue is isBareValue.
var (
	IsPlain        = isPlain
	IsRegisterLine = isRegisterLine
	IsBareValue    = isBareValue
)
