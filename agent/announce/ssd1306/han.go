package ssd1306

import (
	_ "embed" // han.bin
	"sort"

	"golang.org/x/image/font/basicfont"
)

// hanFont has the glyphs of the characters of GB 2312, sorted; han.LICENSE says what they are. It
// stays where the binary is mapped and takes no memory.
//
//go:embed han.bin
var hanFont string

// hanSize is one glyph in hanFont: its character, and sixteen rows of sixteen pixels.
const hanSize = 2 + 2*cellHeight

// hanGlyph is the rows of a Chinese character, empty if the font has it not.
func hanGlyph(r rune) string {
	char := func(i int) rune { return rune(hanFont[i*hanSize])<<8 | rune(hanFont[i*hanSize+1]) }
	n := len(hanFont) / hanSize
	i := sort.Search(n, func(i int) bool { return char(i) >= r })
	if i == n || char(i) != r {
		return ""
	}
	return hanFont[i*hanSize+2 : (i+1)*hanSize]
}

// cells is how wide a character is, in cells; 0 if neither font has it.
func cells(r rune, face *basicfont.Face) int {
	switch {
	case drawable(face, r):
		return 1
	case hanGlyph(r) != "":
		return 2
	}
	return 0
}
