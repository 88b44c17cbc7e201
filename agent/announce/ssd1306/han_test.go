package ssd1306

import (
	"testing"

	"golang.org/x/image/font/inconsolata"

	"github.com/frostline/frostline/agent"
	"github.com/frostline/frostline/agent/alarm/all"
	"github.com/frostline/frostline/agent/phrase"
	"github.com/frostline/frostline/agent/phrase/phrasetest"
)

// The font is whole and sorted, and has what the display itself says.
func TestHanFont(t *testing.T) {
	if n := len(hanFont) / hanSize; n*hanSize != len(hanFont) || n != 6763+114 {
		t.Fatalf("%d bytes, %d characters", len(hanFont), n)
	}
	last := rune(0)
	for i := 0; i < len(hanFont); i += hanSize {
		r := rune(hanFont[i])<<8 | rune(hanFont[i+1])
		if r <= last || hanGlyph(r) != hanFont[i+2:i+hanSize] {
			t.Fatalf("%c after %c", r, last)
		}
		last = r
	}
	for _, r := range []rune{0, 'A', 0x2fff, '냉', '㐀', 0xffff, '🧊'} {
		if hanGlyph(r) != "" {
			t.Errorf("it has %c", r)
		}
	}
	for key, text := range book[agent.Chinese] {
		if text = book.In(agent.Voice{Language: agent.Chinese}).Say(key, phrase.Set{"severity": "严重", "value": "8 °C"}.Word); readable(text) == "" || inCells(text) > columns {
			t.Errorf("%s: %q does not fit", key, text)
		}
	}
}

// inCells is how many cells a text takes.
func inCells(text string) int {
	n := 0
	for _, r := range text {
		n += cells(r, inconsolata.Regular8x16)
	}
	return n
}

func TestPhrases(t *testing.T) {
	want := map[string]string{
		"head": "severity", "head.ack": "severity", "head.was": "severity", "limit": "value", "since": "", "since.start": "", "quiet": "",
	}
	for _, k := range all.Kinds() {
		want["kind."+k.Name] = ""
		if book[agent.English]["kind."+k.Name] != k.Name {
			t.Errorf("in English %s is %q", k.Name, book[agent.English]["kind."+k.Name])
		}
	}
	phrasetest.Check(t, book, want)
}
