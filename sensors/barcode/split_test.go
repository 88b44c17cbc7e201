package barcode

import (
	"strings"
	"testing"

	"github.com/frostline/frostline/agent"
)

// silent stands for a gap in the streams below.
const silent = "\x00gap\x00"

func TestSplit(t *testing.T) {
	for name, c := range map[string]struct {
		end    Terminator
		stream string
		want   string // codes joined by |; ! for one that is left out
	}{
		"cr":                     {CR, "123\r456\r", "123|456"},
		"cr keeps its lf out":    {CR, "123\r\n456\r", "123|!"},
		"lf":                     {LF, "123\n456\n", "123|456"},
		"crlf":                   {CRLF, "123\r\n456\r\n", "123|456"},
		"crlf, cr alone":         {CRLF, "12\r3\r\n456\r\n", "!|456"},
		"crlf, two crs":          {CRLF, "12\r\r\n456\r\n", "!|456"},
		"either":                 {Either, "123\r\n456\n789\r", "123|456|789"},
		"empty":                  {Either, "\r\r\n\n", ""},
		"gap cuts off":           {CR, "123" + silent + "456\r", "!|456"},
		"gap after cr of a crlf": {CRLF, "123\r" + silent + "456\r\n", "!|456"},
		"gap ends":               {None, "123" + silent + "456" + silent, "123|456"},
		"gap between codes":      {CR, "123\r" + silent + silent + "456\r", "123|456"},
		"not complete":           {CR, "123\r45", "123"},
		"group separator":        {CR, "]d20104\x1d10A\r", "0104\x1d10A"},
		"iso 15434":              {CR, "[)>\x1e06\x1d1T5\x1e\x04\r", "[)>\x1e06\x1d1T5\x1e\x04"},
		"utf-8":                  {CR, "Käse\r", "Käse"},
		"latin-1":                {CR, "K\xe4se\r123\r", "!|123"},
		"nul":                    {CR, "1\x0023\r", "!"},
		"noise":                  {CR, "\xff\xfe\x80\r", "!"},
		"too long":               {CR, strings.Repeat("9", longest+1) + "\r7\r", "!|7"},
		"as long as it may be":   {CR, strings.Repeat("9", longest) + "\r", strings.Repeat("9", longest)},
		"identifier without":     {CR, "]C1\r", "!"},
	} {
		t.Run(name, func(t *testing.T) {
			var got []string
			cut := splitter{end: c.end}
			for i, part := range strings.Split(c.stream, silent) {
				if i > 0 {
					cut.silence()
				}
				for _, b := range []byte(part) {
					cut.take(b)
				}
			}
			for _, code := range cut.flush() {
				o, ok := observe(code)
				if !ok {
					o.Code = "!"
				}
				got = append(got, o.Code)
			}
			if g := strings.Join(got, "|"); g != c.want {
				t.Errorf("got %.80q, want %.80q", g, c.want)
			}
		})
	}
}

// The identifiers are examples of ISO/IEC 15424 and the GS1 General Specifications.
func TestIdentifier(t *testing.T) {
	for text, want := range map[string][2]string{
		"]C10104":         {"]C1", "0104"},
		"]E04006381":      {"]E0", "4006381"},
		"]e00104":         {"]e0", "0104"},
		"]d2010401":       {"]d2", "010401"},
		"]Q3010401":       {"]Q3", "010401"},
		"]J1010401":       {"]J1", "010401"},
		"4006381333931":   {"unknown", "4006381333931"},
		"]":               {"unknown", "]"},
		"]C":              {"unknown", "]C"},
		"]!1234":          {"unknown", "]!1234"},
		"]C 1":            {"unknown", "]C 1"},
		"[C10104":         {"unknown", "[C10104"},
		"]C1]C10104":      {"]C1", "]C10104"},
		"]Q1https://x.de": {"]Q1", "https://x.de"},
	} {
		o, ok := observe(code{text: text})
		if !ok || o.Symbology != agent.Symbology(want[0]) || o.Code != want[1] {
			t.Errorf("%q = %+v, %v; want %v", text, o, ok, want)
		}
	}
}

func FuzzSplit(f *testing.F) {
	for _, s := range []string{"123\r", "]C10104\x1d10\r\n", "\r\n\r\n", "12" + silent + "3\n", "\xff\x00\x1d"} {
		for i := range 5 {
			f.Add(uint8(i), s)
		}
	}
	ends := []Terminator{Either, CR, LF, CRLF, None}
	f.Fuzz(func(t *testing.T, end uint8, stream string) {
		cut := splitter{end: ends[int(end)%len(ends)]}
		total := 0
		for i, part := range strings.Split(stream, silent) {
			if i > 0 {
				cut.silence()
			}
			for _, b := range []byte(part) {
				cut.take(b)
			}
		}
		for _, c := range cut.flush() {
			total += len(c.text)
			o, ok := observe(c)
			if !ok {
				continue
			}
			// What is passed on was sent, in one piece.
			if o.Code == "" || len(o.Code) > longest || !strings.Contains(stream, o.Code) || !readable(o.Code) {
				t.Errorf("%q gave %q", stream, o.Code)
			}
		}
		if total > len(stream) || len(cut.buf) > longest {
			t.Errorf("%d bytes became %d", len(stream), total)
		}
	})
}
