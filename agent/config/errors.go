package config

import (
	"errors"
	"fmt"
	"sort"
	"strconv"
	"strings"
)

// Error is one thing that is wrong in a config, and where.
type Error struct {
	File    string `json:"file"`           // as given to Load or Parse, or the items file
	Line    int    `json:"line"`           // from 1
	Column  int    `json:"column"`         // from 1, in characters
	Path    string `json:"path,omitempty"` // sensors[0].every; empty where the file as a whole is meant
	Message string `json:"message"`        // what is wrong, and what to write
}

// Error is "file:line:column: path: message" on one line.
func (e Error) Error() string {
	var b strings.Builder
	b.WriteString(e.File)
	if e.Line > 0 {
		b.WriteString(":" + strconv.Itoa(e.Line) + ":" + strconv.Itoa(e.Column))
	}
	if e.Path != "" {
		b.WriteString(": " + e.Path)
	}
	b.WriteString(": " + e.Message)
	return b.String()
}

// Errors are all the errors of a config, sorted by file, line and column. There is at
// least one.
type Errors struct {
	List []Error
	More int // errors beyond the first maxErrors, which are not listed
}

// Error prints one error a line.
func (e *Errors) Error() string {
	lines := make([]string, 0, len(e.List)+1)
	for _, one := range e.List {
		lines = append(lines, one.Error())
	}
	if e.More > 0 {
		lines = append(lines, fmt.Sprintf("and %d more errors", e.More))
	}
	return strings.Join(lines, "\n")
}

// maxErrors bounds what a hopeless file prints: whoever has corrected these sees the rest.
const maxErrors = 200

// problems collects errors and warnings while a file is read.
type problems struct {
	file     string
	known    Known
	errors   []Error
	warnings []Error
	more     int
}

func (p *problems) errorf(at pos, path, format string, args ...any) {
	if len(p.errors) == maxErrors {
		p.more++
		return
	}
	p.errors = append(p.errors, Error{p.file, at.line, at.column, path, fmt.Sprintf(format, args...)})
}

func (p *problems) warnf(at pos, path, format string, args ...any) {
	if len(p.warnings) == maxErrors {
		return
	}
	p.warnings = append(p.warnings, Error{p.file, at.line, at.column, path, fmt.Sprintf(format, args...)})
}

// at reports an error at a node.
func (p *problems) at(n *node, format string, args ...any) { p.errorf(n.pos, n.path, format, args...) }

// err is what was collected, as an error; nil if there was none.
func (p *problems) err() error {
	if len(p.errors) == 0 {
		return nil
	}
	sortErrors(p.file, p.errors)
	return &Errors{List: p.errors, More: p.more}
}

// sortErrors sorts by place; those of the config come before those of the items file.
func sortErrors(first string, list []Error) {
	sort.SliceStable(list, func(i, j int) bool {
		a, b := list[i], list[j]
		if a.File != b.File {
			return a.File == first
		}
		if a.Line != b.Line {
			return a.Line < b.Line
		}
		return a.Column < b.Column
	})
}

// cause is the innermost text of an error that a value's own parser returned.
func cause(err error) string {
	for {
		inner := errors.Unwrap(err)
		if inner == nil {
			return err.Error()
		}
		err = inner
	}
}
