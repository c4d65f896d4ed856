package recipient

import (
	"crypto/aes"
	"crypto/subtle"
)

// pad returns a copy of plaintext with the padding of RFC 5652, section 6.3:
// 1 to 16 bytes, each of them their number.
func pad(plaintext []byte) []byte {
	n := aes.BlockSize - len(plaintext)%aes.BlockSize
	padded := make([]byte, len(plaintext)+n)
	for i := copy(padded, plaintext); i < len(padded); i++ {
		padded[i] = byte(n)
	}
	return padded
}

// unpad returns the length of a padded plaintext of one block or more without
// its padding, and 1 if that padding is right, else 0. It looks at every byte
// of the last block in the same way, whatever they are. The length means
// nothing unless valid is 1.
func unpad(padded []byte) (length, valid int) {
	block := padded[len(padded)-aes.BlockSize:]
	last := block[aes.BlockSize-1]
	n := int(last)
	valid = subtle.ConstantTimeLessOrEq(1, n) & subtle.ConstantTimeLessOrEq(n, aes.BlockSize)
	for i, b := range block {
		inPadding := subtle.ConstantTimeLessOrEq(aes.BlockSize-i, n)
		valid &= subtle.ConstantTimeSelect(inPadding, subtle.ConstantTimeByteEq(b, last), 1)
	}
	return len(padded) - n, valid
}
