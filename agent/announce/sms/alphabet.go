package sms

import (
	"fmt"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// Sizes of one message, TS 23.038 and 23.040: characters alone, and beside the header that
// joins parts.
const (
	alone7, joined7   = 160, 153 // septets
	alone16, joined16 = 70, 67   // UTF-16 units
)

// escape leads to the extension of the GSM alphabet.
const escape = 0x1b

// basic is the GSM 7-bit default alphabet, TS 23.038 6.2.1, in the order of its codes. Code 0x1b
// is the escape.
const basic = "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞ\x1bÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"

var (
	septets   = codes()
	extension = map[rune]byte{ // TS 23.038 6.2.1.1
		'\f': 0x0a, '^': 0x14, '{': 0x28, '}': 0x29, '\\': 0x2f, '[': 0x3c, '~': 0x3d, ']': 0x3e, '|': 0x40, '€': 0x65,
	}
	// plainer replaces signs for the GSM alphabet's sake; it changes no meaning.
	plainer = strings.NewReplacer(
		"°", "", "–", "-", "—", "-", "−", "-", "…", "...", "“", `"`, "”", `"`, "„", `"`, "‘", "'", "’", "'", "×", "x",
		"µ", "u", "μ", "u", "≥", ">=", "≤", "<=", "\u00a0", " ", "\u202f", " ", "\t", " ",
	)
)

func codes() map[rune]byte {
	m := map[rune]byte{}
	code := byte(0)
	for _, r := range basic {
		if r != escape {
			m[r] = code
		}
		code++
	}
	return m
}

// gsm encodes s in septets, one in a byte; ok is false if it has characters that are not in the
// alphabet.
func gsm(s string) (out []byte, ok bool) {
	for _, r := range s {
		if code, basic := septets[r]; basic {
			out = append(out, code)
			continue
		}
		code, extended := extension[r]
		if !extended {
			return nil, false
		}
		out = append(out, escape, code)
	}
	return out, true
}

// part is one message: septets, one in a byte, or UTF-16 in big endian.
type part struct {
	header []byte // joins it with others; nil if it stands alone
	wide   bool   // UCS-2
	body   []byte
}

// split makes at most that many messages of a text. What is more is cut off, and the cut is marked.
func split(text string, most int, reference byte) []part {
	text = strings.ToValidUTF8(text, "?")
	if septets, ok := gsm(plainer.Replace(text)); ok {
		return joined(chunks7(septets, most), false, reference)
	}
	return joined(chunks16(utf16.Encode([]rune(text)), most), true, reference)
}

func joined(bodies [][]byte, wide bool, reference byte) []part {
	parts := make([]part, len(bodies))
	for i, b := range bodies {
		parts[i] = part{wide: wide, body: b}
		if len(bodies) > 1 {
			// TS 23.040 9.2.3.24.1: concatenation with an 8-bit reference.
			parts[i].header = []byte{5, 0, 3, reference, byte(len(bodies)), byte(i + 1)}
		}
	}
	return parts
}

// chunks7 cuts septets, never between an escape and what it leads to.
func chunks7(s []byte, most int) [][]byte {
	if len(s) <= alone7 {
		return [][]byte{s}
	}
	if most == 1 {
		return [][]byte{append(s[:before(s, alone7-3)], "..."...)}
	}
	var out [][]byte
	for len(s) > joined7 && len(out) < most-1 {
		at := before(s, joined7)
		out = append(out, s[:at:at])
		s = s[at:]
	}
	if len(s) > joined7 {
		at := before(s, joined7-3)
		s = append(s[:at:at], "..."...) // a full stop has its ASCII code there
	}
	return append(out, s)
}

// before is the last place up to n where septets can be cut.
func before(s []byte, n int) int {
	if s[n-1] == escape {
		return n - 1
	}
	return n
}

// chunks16 cuts UTF-16, never between two halves of a character.
func chunks16(u []uint16, most int) [][]byte {
	cut := func(n int) int {
		if utf16.IsSurrogate(rune(u[n-1])) && u[n-1] < 0xdc00 {
			return n - 1
		}
		return n
	}
	if len(u) <= alone16 {
		return [][]byte{bytes16(u)}
	}
	if most == 1 {
		return [][]byte{bytes16(append(u[:cut(alone16-1)], '…'))}
	}
	var out [][]byte
	for len(u) > joined16 && len(out) < most-1 {
		at := cut(joined16)
		out = append(out, bytes16(u[:at]))
		u = u[at:]
	}
	if len(u) > joined16 {
		u = append(u[:cut(joined16-1)], '…')
	}
	return append(out, bytes16(u))
}

func bytes16(u []uint16) []byte {
	out := make([]byte, 0, 2*len(u))
	for _, x := range u {
		out = append(out, byte(x>>8), byte(x))
	}
	return out
}

// standalone makes messages for the text mode, which cannot join them: each is numbered.
func standalone(text string, most int) []part {
	var b strings.Builder
	for _, r := range plainer.Replace(strings.ToValidUTF8(text, "?")) {
		// The modem's text mode takes what is ASCII in the alphabet and ends at control characters.
		switch {
		case r == '\n' || r == '\r':
			r = ' '
		case r >= utf8.RuneSelf || r < ' ' || r == '@' || r == '$' || r == '_' || r == '`':
			// Their codes in the alphabet are others, or none.
			r = map[rune]rune{'`': '\''}[r]
			if r == 0 {
				r = '?'
			}
		}
		if _, extended := extension[r]; extended {
			r = map[rune]rune{'[': '(', ']': ')', '{': '(', '}': ')', '\\': '/', '|': '/', '~': '-', '^': '\''}[r]
		}
		b.WriteRune(r)
	}
	s := b.String()
	if len(s) <= alone7 {
		return []part{{body: []byte(s)}}
	}
	const room = alone7 - len("10/10 ")
	total := min((len(s)+room-1)/room, most)
	var parts []part
	for i := range total {
		n := min(room, len(s))
		body := s[:n]
		if i == total-1 && len(s) > room {
			body = body[:room-3] + "..."
		}
		s = s[n:]
		if total > 1 {
			body = fmt.Sprintf("%d/%d %s", i+1, total, body)
		}
		parts = append(parts, part{body: []byte(body)})
	}
	return parts
}

// submit is the PDU of TS 23.040 9.2.2.2, SMS-SUBMIT, without the service center's address.
func submit(to string, p part) []byte {
	first := byte(0x01) // SMS-SUBMIT
	if p.header != nil {
		first |= 0x40 // the user data begins with a header
	}
	coding := byte(0x00)
	if p.wide {
		coding = 0x08
	}
	pdu := append([]byte{first, 0}, address(to)...)
	pdu = append(pdu, 0, coding)
	if p.wide {
		pdu = append(pdu, byte(len(p.header)+len(p.body)))
		return append(append(pdu, p.header...), p.body...)
	}
	// The text begins at the first septet after the header.
	filled := (len(p.header)*8 + 6) / 7
	pdu = append(pdu, byte(filled+len(p.body)))
	return append(pdu, pack(p.header, p.body)...)
}

// address is a number in international form: its digits in swapped half octets.
func address(to string) []byte {
	digits := strings.TrimPrefix(to, "+")
	out := []byte{byte(len(digits)), 0x91}
	for i := 0; i < len(digits); i += 2 {
		high := byte(0xf)
		if i+1 < len(digits) {
			high = digits[i+1] - '0'
		}
		out = append(out, high<<4|(digits[i]-'0'))
	}
	return out
}

// pack puts septets behind a header, eight in seven octets, the first in the lowest bits.
func pack(header, septets []byte) []byte {
	at := (len(header)*8 + 6) / 7 * 7 // bits before the text
	out := make([]byte, (at+7*len(septets)+7)/8)
	copy(out, header)
	for _, s := range septets {
		wide := uint16(s&0x7f) << (at % 8)
		out[at/8] |= byte(wide)
		if wide>>8 != 0 {
			out[at/8+1] |= byte(wide >> 8)
		}
		at += 7
	}
	return out
}
