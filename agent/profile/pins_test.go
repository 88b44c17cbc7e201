package profile

import (
	"fmt"
	"io/fs"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/frostline/frostline/agent/config"
	"github.com/frostline/frostline/configs"
)

// written is a limit on one line: each number with the id of its source.
func written(l *Limit) string {
	text := fmt.Sprintf("%s: %s %s", l.ID, l.Role, l.Quantity)
	if l.Kind != "limit" {
		text = fmt.Sprintf("%s: %s of %s %s", l.ID, l.Kind, l.Role, l.Quantity)
	}
	v := reflect.ValueOf(l.Settings).Elem()
	for i := range v.NumField() {
		key, _, _ := strings.Cut(v.Type().Field(i).Tag.Get("yaml"), ",")
		if !v.Field(i).IsZero() {
			one := reflect.New(reflect.StructOf([]reflect.StructField{v.Type().Field(i)}))
			one.Elem().Field(0).Set(v.Field(i))
			text += fmt.Sprintf(" %s @%s", config.Words(one.Interface()), l.From[key])
		}
	}
	text += " " + string(l.Severity)
	v = reflect.ValueOf(l.Alarm)
	for i := range v.NumField() {
		key, _, _ := strings.Cut(v.Type().Field(i).Tag.Get("yaml"), ",")
		base := []string{"", "-", "id", "kind", "quantity", "role", "severity", "advice"}
		if !slices.Contains(base, key) && !v.Field(i).IsZero() {
			text += fmt.Sprintf(" %s %v", key, v.Field(i).Interface())
		}
	}
	return text
}

// demanded is a profile's demands, one a line.
func demanded(d *Demands) []string {
	var out []string
	v := reflect.ValueOf(d).Elem()
	for i := range v.NumField() {
		key := v.Type().Field(i).Tag.Get("yaml")
		switch f := v.Field(i); {
		case f.IsZero():
		case f.Kind() == reflect.Slice:
			for j := range f.Len() {
				out = append(out, key+": "+config.Words(f.Index(j).Addr().Interface()))
			}
		default:
			out = append(out, key+": "+config.Words(f.Interface()))
		}
	}
	return out
}

// inWords is everything in a profile that must never change by accident.
func inWords(p *Profile) string {
	var b strings.Builder
	for i := range p.Limits {
		b.WriteString(written(&p.Limits[i]) + "\n")
	}
	for _, d := range demanded(&p.Demands) {
		b.WriteString(d + "\n")
	}
	return b.String()
}

// Every number of every profile, and its source, is the one that is written down here.
func TestNumbers(t *testing.T) {
	for _, p := range all(t) {
		want, ok := pinned[p.ID]
		if !ok {
			t.Errorf("%s: its numbers are not written down in this test:\n%s", p.ID, inWords(p))
			continue
		}
		if got := inWords(p); got != strings.TrimPrefix(want, "\n") {
			t.Errorf("%s is\n%swant%s", p.ID, got, want)
		}
		for _, s := range p.Sources {
			if got := fmt.Sprintf("%s, %s, %s", s.Document, s.Clause, s.Mark); got != sources[s.ID] && s.Mark != Own || s.Mark == Own && sources[s.ID] != "own" {
				t.Errorf("%s: the source %s is %q, want %q", p.ID, s.ID, got, sources[s.ID])
			}
		}
	}
	if n := len(builtIn().Names()); n != len(pinned) {
		t.Errorf("there are %d profiles, and numbers of %d", n, len(pinned))
	}
}

// No number can change without TestNumbers seeing it: each digit of each file is changed
// in turn.
func TestEveryDigitCounts(t *testing.T) {
	changed := 0
	for _, id := range builtIn().Names() {
		text, err := fs.ReadFile(configs.Profiles(), id+".yaml")
		if err != nil {
			t.Fatal(err)
		}
		for _, at := range digits(string(text)) {
			other := slices.Clone(text)
			other[at] = '0' + (text[at]-'0'+1)%10
			p, err := Parse(id+".yaml", other, kinds())
			changed++
			if err == nil && inWords(p) == strings.TrimPrefix(pinned[id], "\n") {
				t.Errorf("%s: changing the digit at byte %d (%q) changes nothing", id, at, text[max(0, at-20):at+1])
			}
		}
	}
	if changed < 500 {
		t.Errorf("only %d digits were changed", changed)
	}
}

// digits are the places of the digits in limits and demands, without those in ids and prose.
func digits(text string) []int {
	var out []int
	section, begin := "", 0
	for _, line := range strings.SplitAfter(text, "\n") {
		if line[:min(1, len(line))] != " " {
			section = strings.TrimSpace(line)
		}
		numbers := line
		switch key := strings.TrimLeft(line, " -"); {
		case section == "demands:":
			numbers, _, _ = strings.Cut(line, "from: ")
		case section != "limits:", strings.HasPrefix(key, "from: "), strings.HasPrefix(key, "advice: "), strings.HasPrefix(key, "id: "):
			numbers = ""
		}
		for i, c := range []byte(numbers) {
			if c >= '0' && c <= '9' {
				out = append(out, begin+i)
			}
		}
		begin += len(line)
	}
	return out
}
