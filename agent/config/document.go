package config

import (
	"bytes"
	"encoding"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/frostline/frostline/agent"
)

// Document is a YAML file beside the config that is read as strictly as the config itself:
// a profile, for one. It collects what is wrong, each with its place.
type Document struct {
	problems *problems
	root     *node
}

// ReadDocument fills into, a pointer to a struct whose fields have the tags of the config's
// own structs, from a text; name stands for the file in messages. A list of structs that
// embed Alarm is read as alarms are, with the kinds of k.
func ReadDocument(name string, text []byte, k Known, into any) *Document {
	d := &Document{problems: &problems{file: name, known: k}}
	if len(bytes.TrimSpace(text)) == 0 {
		d.problems.errorf(pos{1, 1}, "", "the file is empty")
		return d
	}
	if d.root = parseYAML(d.problems, text); d.root != nil {
		d.problems.decode(d.root, reflect.ValueOf(into).Elem(), nil)
	}
	return d
}

// Fault reports an error at a path such as limits[0].above, or at the nearest part of it
// that stands in the file.
func (d *Document) Fault(path, format string, args ...any) {
	n := d.find(path)
	d.problems.errorf(n.pos, path, format, args...)
}

// Among reports a word at a path that is none of the valid ones, with the nearest of them:
// "there is no alarm hott, did you mean hot?".
func (d *Document) Among(path, what, word string, valid []string) {
	if !slices.Contains(valid, word) {
		d.Fault(path, "there is no %s %s%s", what, clip(word), suggest(word, valid))
	}
}

// Keys lists the keys that stand at a path, in the order of the file.
func (d *Document) Keys(path string) []string {
	n := d.find(path)
	if n.path != path {
		return nil
	}
	return ids(n.entries, func(e entry) string { return e.key })
}

// Limit checks what an alarm at a path says without the points that it will watch: its id,
// and that its limits are values that its quantity can have.
func (d *Document) Limit(path string, a *Alarm) {
	if at := d.find(path + ".id"); at.path == path+".id" && agent.CheckID(string(a.ID)) != nil {
		d.Fault(path+".id", "%s", notAnID(string(a.ID)))
	}
	kind, ok := d.problems.known.Alarms[a.Kind]
	if !ok || a.Settings == nil {
		return // missing or misshapen, and reported
	}
	if kind.Of != Points {
		d.Fault(path+".kind", "an alarm of kind %s watches no points", a.Kind)
		return
	}
	if a.Quantity == "" {
		if !slices.Contains(d.Keys(path), "quantity") {
			d.Fault(path, "the key quantity is missing")
		}
		return
	}
	checker{problems: d.problems}.limits(a, d.find(path), kind, []declared{{quantity: a.Quantity}})
}

// Err is everything that is wrong, as *Errors; nil if nothing is.
func (d *Document) Err() error { return d.problems.err() }

// find is the node at a path, or the nearest one above it.
func (d *Document) find(path string) *node {
	n := d.root
	if n == nil {
		return &node{kind: nullNode, pos: pos{1, 1}}
	}
	for {
		children := slices.Clone(n.items)
		for _, e := range n.entries {
			children = append(children, e.value)
		}
		i := slices.IndexFunc(children, func(c *node) bool {
			rest, under := strings.CutPrefix(path, c.path)
			return under && (rest == "" || rest[0] == '.' || rest[0] == '[')
		})
		if i < 0 {
			return n
		}
		n = children[i]
	}
}

// Words writes the settings of an alarm as the config would, on one line and without what
// is not set: "above 8 for 5m deadband 0.2".
func Words(settings any) string {
	if settings == nil {
		return ""
	}
	return inWords(reflect.ValueOf(settings).Elem())
}

func inWords(v reflect.Value) string {
	if v.Kind() == reflect.Pointer && !v.IsNil() {
		return inWords(v.Elem())
	}
	if v.Type() == durationType {
		return formatDuration(time.Duration(v.Int()))
	}
	if text, ok := v.Interface().(encoding.TextMarshaler); ok {
		if b, err := text.MarshalText(); err == nil {
			return string(b)
		}
	}
	var parts []string
	switch v.Kind() {
	case reflect.Struct:
		for _, f := range fieldsOf(v.Type()) {
			if value := v.FieldByIndex(f.index); !value.IsZero() {
				parts = append(parts, f.key+" "+inWords(value))
			}
		}
		return strings.Join(parts, " ")
	case reflect.Slice:
		for i := range v.Len() {
			parts = append(parts, inWords(v.Index(i)))
		}
		return strings.Join(parts, ", ")
	}
	return fmt.Sprint(v.Interface())
}

// Duration writes a time as the config does: 90s, 5m, 400d.
func Duration(d time.Duration) string { return formatDuration(d) }
