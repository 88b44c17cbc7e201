// Package phrasetest checks books of phrases.
package phrasetest

import (
	"slices"
	"strings"
	"testing"
	"unicode"

	"github.com/frostline/frostline/agent"
	"github.com/frostline/frostline/agent/phrase"
)

// Check fails unless all languages of a book have the keys of English, and each template has
// every placeholder that its key must have, and no other than it may have. want says which, by
// key: "where span? within|window" is one that must be there, one that may, and one of two.
func Check(t *testing.T, b phrase.Book, want map[string]string) {
	t.Helper()
	for _, language := range []agent.Language{agent.English, agent.Chinese} {
		table := b[language]
		for key := range b[agent.English] {
			if _, ok := table[key]; !ok {
				t.Errorf("%s has no %s", language, key)
			}
		}
		for key, template := range table {
			if _, ok := b[agent.English][key]; !ok {
				t.Errorf("%s has %s, which English has not", language, key)
			}
			check(t, string(language)+" "+key, template, want[key])
			if language == agent.Chinese && strings.ContainsFunc(template, half) {
				t.Errorf("%s %s: %q has punctuation of half width", language, key, template)
			}
		}
	}
	for key := range want {
		if _, ok := b[agent.English][key]; !ok {
			t.Errorf("no language has %s", key)
		}
	}
}

func check(t *testing.T, key, template, want string) {
	t.Helper()
	if strings.Count(template, "{") != strings.Count(template, "}") {
		t.Errorf("%s: %q has a brace too many", key, template)
	}
	has := phrase.Placeholders(template)
	var known []string
	for _, word := range strings.Fields(want) {
		name, may := strings.CutSuffix(word, "?")
		names := strings.Split(name, "|")
		known = append(known, names...)
		if !may && !slices.ContainsFunc(names, func(n string) bool { return slices.Contains(has, n) }) {
			t.Errorf("%s: %q has no {%s}", key, template, name)
		}
	}
	for _, name := range has {
		if !slices.Contains(known, name) {
			t.Errorf("%s: %q has {%s}, which stands for nothing there", key, template, name)
		}
	}
}

// half reports whether a character is punctuation that Chinese has in full width.
func half(r rune) bool { return r < unicode.MaxASCII && strings.ContainsRune(",;:?!()", r) }
