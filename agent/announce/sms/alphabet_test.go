package sms

import (
	"encoding/hex"
	"testing"
	"unicode/utf8"
)

// TestPublished: a PDU and a packed text that many pages on the subject print.
func TestPublished(t *testing.T) {
	s, ok := gsm("hellohello")
	if !ok {
		t.Fatal("no GSM text")
	}
	if got := hex.EncodeToString(pack(nil, s)); got != "e8329bfd4697d9ec37" {
		t.Errorf("packed %s", got)
	}
	if got := hex.EncodeToString(submit("+46708251358", part{body: s})); got != "01000b916407281553f800000ae8329bfd4697d9ec37" {
		t.Errorf("pdu %s", got)
	}
}

// TestAlphabet: the table has 128 codes, each once.
func TestAlphabet(t *testing.T) {
	if n := utf8.RuneCountInString(basic); n != 128 {
		t.Errorf("the alphabet has %d codes", n)
	}
	if len(septets) != 127 {
		t.Errorf("%d characters", len(septets))
	}
	for r, want := range map[rune]byte{'@': 0, '\n': 0x0a, '\r': 0x0d, ' ': 0x20, '0': 0x30, 'A': 0x41, 'a': 0x61, 'à': 0x7f, '¡': 0x40, 'É': 0x1f, '¿': 0x60} {
		if septets[r] != want {
			t.Errorf("%q is 0x%02x, want 0x%02x", r, septets[r], want)
		}
	}
}

// FuzzSplit: no text makes a message that is too long, or more of them than were allowed.
func FuzzSplit(f *testing.F) {
	for _, s := range []string{"", "a", "[[[[", "冷", "🧊🧊", "\xff"} {
		f.Add(s, 3)
	}
	f.Fuzz(func(t *testing.T, s string, most int) {
		most = 1 + (most&0x7fffffff)%10
		for _, in := range []string{s, s + s + s + s, string(make([]byte, 500)) + s} {
			for _, parts := range [][]part{split(in, most, 7), standalone(in, most)} {
				if len(parts) == 0 || len(parts) > most {
					t.Fatalf("%d parts of at most %d", len(parts), most)
				}
				for _, p := range parts {
					if n := len(submit("+46708251358", p)); n > 1+1+8+2+1+140 {
						t.Fatalf("a pdu of %d octets", n)
					}
				}
			}
		}
	})
}
