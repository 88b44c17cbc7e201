// Package phrase puts what happened into people's words: in their language and with their unit
// of temperature. It is pure.
//
// Whoever speaks keeps a Book: per language, templates with named placeholders. Beside them
// this package has the words that everybody needs: spans, numbers, lists, quantities. Names
// that the operator chose, and what persons wrote, stay as they are.
package phrase

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/frostline/frostline/agent"
)

// Table has the templates of one language by key: "{where}: no data from {devices}".
type Table map[string]string

// Book has a table per language. All have the same keys.
type Book map[agent.Language]Table

// In speaks from the book in one voice; in English where the book has not its language.
func (b Book) In(v agent.Voice) Words {
	table, ok := b[v.Language]
	if !ok {
		v.Language = agent.English
		table = b[v.Language]
	}
	return Words{voice: v, table: table, common: common[v.Language]}
}

// Words are a book's, in one voice.
type Words struct {
	voice  agent.Voice
	table  Table
	common Table
}

// Voice is whose words they are.
func (w Words) Voice() agent.Voice { return w.voice }

// Set has the words for placeholders by name.
type Set map[string]string

// Word is the word for a placeholder.
func (s Set) Word(name string) (string, bool) { word, ok := s[name]; return word, ok }

// Say is the template of the key, with word in the place of each placeholder. A placeholder that
// word does not know stays as it is.
func (w Words) Say(key string, word func(name string) (string, bool)) string {
	return w.fill(w.table[key], word)
}

// Have reports whether the book has a template of the key.
func (w Words) Have(key string) bool { _, ok := w.table[key]; return ok }

func (w Words) fill(template string, word func(string) (string, bool)) string {
	var l line
	l.spaced = w.voice.Language == agent.Chinese
	for template != "" {
		from := strings.IndexByte(template, '{')
		if from < 0 {
			break
		}
		to := from + strings.IndexByte(template[from:], '}')
		if to < from {
			break
		}
		l.add(template[:from])
		text, ok := word(template[from+1 : to])
		if !ok {
			text = template[from : to+1]
		}
		l.add(text)
		template = template[to+1:]
	}
	l.add(template)
	return l.text.String()
}

// Placeholders lists the names in a template, each as often as it stands there.
func Placeholders(template string) []string {
	var names []string
	for {
		_, after, ok := strings.Cut(template, "{")
		if !ok {
			return names
		}
		name, rest, _ := strings.Cut(after, "}")
		names, template = append(names, name), rest
	}
}

// line is a text that grows. In Chinese, Han characters stand apart from Latin letters and
// digits: 冷库 A 温度 4 °C. Templates cannot know which of them a name begins with.
type line struct {
	text   strings.Builder
	last   rune
	spaced bool
}

func (l *line) add(s string) {
	if s == "" {
		return
	}
	first, _ := utf8.DecodeRuneInString(s)
	if l.spaced && (han(l.last) && begins(first) || ends(l.last) && han(first)) {
		l.text.WriteByte(' ')
	}
	l.text.WriteString(s)
	l.last, _ = utf8.DecodeLastRuneInString(s)
}

func han(r rune) bool    { return unicode.Is(unicode.Han, r) }
func latin(r rune) bool  { return (unicode.IsLetter(r) || unicode.IsNumber(r)) && !han(r) }
func begins(r rune) bool { return latin(r) || r == '-' || r == '(' || r == '"' }
func ends(r rune) bool   { return latin(r) || r == '%' || r == '°' || r == ')' || r == '"' }
