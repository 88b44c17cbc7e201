package main

import (
	"io"
	"os"
	"strings"

	"golang.org/x/term"
	"golang.org/x/text/width"
)

// style is how text is set off.
type style struct{ color bool }

var (
	plain    = style{}
	terminal = style{color: true}
)

// styleOf is the style for w: colors on a terminal whose user wants them.
func styleOf(w io.Writer) style {
	return style{color: isTerminal(w) && os.Getenv("NO_COLOR") == ""}
}

// isTerminal reports whether w is a terminal that can show a screen.
func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd())) && os.Getenv("TERM") != "dumb"
}

// ink is an ANSI color or weight; empty is as usual.
type ink string

const (
	usual  ink = ""
	bold   ink = "1"
	dim    ink = "2"
	red    ink = "1;31"
	yellow ink = "33"
	green  ink = "32"
)

// paint wraps text in an ANSI color where the style has any.
func (s style) paint(c ink, text string) string {
	if !s.color || text == "" || c == usual {
		return text
	}
	return "\x1b[" + string(c) + "m" + text + "\x1b[0m"
}

func (s style) bold(t string) string   { return s.paint(bold, t) }
func (s style) dim(t string) string    { return s.paint(dim, t) }
func (s style) red(t string) string    { return s.paint(red, t) }
func (s style) yellow(t string) string { return s.paint(yellow, t) }
func (s style) green(t string) string  { return s.paint(green, t) }

// columns is how many columns of a terminal text takes: names may be in any script.
func columns(text string) int {
	n := 0
	for _, r := range text {
		n += columnsOf(r)
	}
	return n
}

func columnsOf(r rune) int {
	if r < 0x1100 { // nothing below is wide
		return 1
	}
	switch width.LookupRune(r).Kind() {
	case width.EastAsianWide, width.EastAsianFullwidth:
		return 2
	}
	return 1
}

// pad fills text up with blanks to n columns.
func pad(text string, n int) string {
	return text + strings.Repeat(" ", max(0, n-columns(text)))
}

// padLeft fills text up with blanks on its left.
func padLeft(text string, n int) string {
	return strings.Repeat(" ", max(0, n-columns(text))) + text
}

// clip shortens text to n columns, and shows that it did.
func clip(text string, n int) string {
	if columns(text) <= n {
		return text
	}
	used := 0
	for i, r := range text {
		if used += columnsOf(r); used > n-1 {
			if n < 1 {
				return ""
			}
			return strings.TrimRight(text[:i], " ") + "…"
		}
	}
	return text
}

// wrap breaks text between words into lines of at most n columns.
func wrap(text string, n int) []string {
	var lines []string
	line := ""
	for _, word := range strings.Fields(text) {
		switch {
		case line == "":
			line = word
		case columns(line)+1+columns(word) > n:
			lines = append(lines, line)
			line = word
		default:
			line += " " + word
		}
	}
	return append(lines, line)
}
