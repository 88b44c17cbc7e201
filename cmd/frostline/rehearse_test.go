package main

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// fences are the code blocks of a document: the language, the name behind it, the text.
var fences = regexp.MustCompile("(?ms)^```(\\w+)(?: (\\S+))?\n(.*?)^```$")

// TestRehearseDocument does what docs/rehearse.md shows: named blocks are files, and console
// blocks are commands with what they print.
func TestRehearseDocument(t *testing.T) {
	doc, err := os.ReadFile(filepath.Join("..", "..", "docs", "rehearse.md"))
	if err != nil {
		t.Fatal(err)
	}
	t.Chdir(t.TempDir())
	ran := 0
	for _, m := range fences.FindAllStringSubmatch(string(doc), -1) {
		language, name, text := m[1], m[2], m[3]
		if name != "" {
			if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if language != "console" {
			continue
		}
		var commands []string
		var got strings.Builder
		for _, line := range strings.Split(text, "\n") {
			if command, ok := strings.CutPrefix(line, "$ frostline "); ok {
				commands = append(commands, command)
			}
		}
		for _, command := range commands {
			ran++
			got.WriteString("$ frostline " + command + "\n" + console(t, strings.Fields(command)))
		}
		if got.String() != text {
			t.Errorf("docs/rehearse.md shows\n%s\nbut it is\n%s", text, got.String())
		}
	}
	if ran < 4 {
		t.Errorf("ran %d commands of the document, want at least 4", ran)
	}
}

// console is what a person at a terminal sees of a command.
func console(t *testing.T, args []string) string {
	t.Helper()
	var out bytes.Buffer
	cmd := root()
	cmd.SetArgs(args)
	cmd.SetOut(&out)
	cmd.SetErr(&out)
	if err := cmd.ExecuteContext(t.Context()); err != nil {
		report(&out, err)
	}
	return out.String()
}
