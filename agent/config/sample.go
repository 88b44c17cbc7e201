package config

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Sample is an annotated config with every key and every driver in k, made from the same
// structs that read the file. It loads as it stands.
func Sample(k Known) []byte {
	s := sampler{known: k}
	s.text(sampleHead)
	root := reflect.ValueOf(Defaults()).Elem()
	for _, f := range fieldsOf(root.Type()) {
		s.line("")
		s.field("", f, root.FieldByIndex(f.index))
		s.text(sampleMore[f.key])
	}
	return []byte(s.b.String())
}

const sampleHead = `# Frostline's config, with every key there is. Generated: do not edit this copy.
#
# "# text" explains the key below it. "#key: value" is a key that is not set: its value is
# the default, or an example where there is no default. Remove the # to set it.
#
# frostline check -c FILE tells everything that is wrong in a config, with line and
# column, and touches nothing. The agent reads a changed file on SIGHUP
# (systemctl reload frostline) and keeps the old one if the new one is wrong.
#
# Durations have a unit: 250ms, 10s, 5m, 1h30m, 400d. So have amounts of data: 100KiB,
# 50MiB, 8GiB (powers of 1024) or 50MB (powers of 1000). Measured values have none: they
# are in the unit of their quantity (°C, %RH, hPa …).
#
# Passwords and tokens are references, looked up when they are used and never printed:
# ${credential:NAME} is the file NAME that systemd's LoadCredential= provides, ${env:NAME}
# an environment variable.
`

// sampleMore stands after a section's first element.
var sampleMore = map[string]string{
	"zones": `  - id: dock
    name: Loading dock
`,
}

// sampleValues are set in the first element of a section, beside what the structs say.
var sampleValues = map[string]string{
	"limit.above":    "8.0",
	"limit.for":      "5m",
	"limit.deadband": "0.5",
}

type sampler struct {
	known Known
	b     strings.Builder
}

func (s *sampler) text(t string) { s.b.WriteString(t) }
func (s *sampler) line(l string) { s.b.WriteString(strings.TrimRight(l, " ") + "\n") }

// doc writes an explanation, wrapped.
func (s *sampler) doc(prefix, doc string) {
	const width = 96
	line := prefix + "#"
	for _, word := range strings.Fields(doc) {
		if utf8.RuneCountInString(line)+1+utf8.RuneCountInString(word) > width {
			s.line(line)
			line = prefix + "#"
		}
		line += " " + word
	}
	if doc != "" {
		s.line(line)
	}
}

// sentence is a field's doc as a sentence, unless it begins with a word of the config.
func sentence(f field, v reflect.Value) string {
	word := f.doc
	if end := strings.IndexFunc(word, func(r rune) bool { return !unicode.IsLetter(r) && r != '\'' && r != '-' }); end >= 0 && word[end] == ' ' {
		word = word[:end]
	} else {
		word = ""
	}
	doc := f.doc
	if word != "" && !slices.Contains(f.enum, word) && fmt.Sprint(defaultText(v)) != word {
		first, size := utf8.DecodeRuneInString(doc)
		doc = string(unicode.ToUpper(first)) + doc[size:]
	}
	if doc != "" && !strings.ContainsAny(doc[len(doc)-1:], ".:;!?…") {
		doc += "."
	}
	return doc
}

// field writes one key. Prefix is what every line begins with: spaces, and a # within
// what is not set.
func (s *sampler) field(prefix string, f field, v reflect.Value) {
	s.doc(prefix, sentence(f, v))
	t := v.Type()
	switch {
	case isBlock(t):
		s.line(prefix + f.key + ":")
		s.fields(prefix+"  ", v)
	case t.Kind() == reflect.Pointer && isBlock(t.Elem()):
		s.line(prefix + "#" + f.key + ":")
		s.fields(prefix+"#  ", freshElement(t.Elem()))
	case t.Kind() == reflect.Map && isBlock(t.Elem()) && f.example != "":
		s.line(prefix + f.key + ":")
		s.line(prefix + "  #" + f.example + ":")
		s.fields(prefix+"  #  ", freshElement(t.Elem()))
	case t.Kind() == reflect.Slice && isBlock(t.Elem()) && f.like == "":
		s.list(prefix, f, freshElement(t.Elem()))
	case f.example != "":
		s.line(prefix + f.key + ": " + s.scalar(f, v, f.example))
	case f.required:
		s.line(prefix + f.key + ": " + s.scalar(f, v, s.unset(f, v)))
	default:
		s.line(prefix + "#" + f.key + ": " + s.scalar(f, v, s.unset(f, v)))
	}
}

// isBlock reports whether values of the type are written as keys below their key.
func isBlock(t reflect.Type) bool { return t.Kind() == reflect.Struct }

func (s *sampler) fields(prefix string, v reflect.Value) {
	for _, f := range fieldsOf(v.Type()) {
		s.field(prefix, f, v.FieldByIndex(f.index))
	}
}

// unset is what stands behind a key that is not set: its default or, without one, an example.
func (s *sampler) unset(f field, v reflect.Value) string {
	if text := defaultText(v); text != nil && (f.like == "" || !v.IsZero()) {
		return fmt.Sprint(text)
	}
	switch {
	case f.like != "":
		return f.like
	case len(f.enum) > 0:
		return f.enum[0]
	case v.Kind() == reflect.Slice:
		return "[]"
	case v.Kind() == reflect.Map:
		return "{}"
	case v.Kind() == reflect.String:
		return `""`
	case v.Type() == bytesType:
		return "0B"
	}
	return "0"
}

// scalar quotes a text that YAML would take for something else.
func (s *sampler) scalar(f field, v reflect.Value, text string) string {
	number := v.Kind() == reflect.Int || v.Kind() == reflect.Uint16 || v.Kind() == reflect.Uint8
	if f.key == "address" && number && !strings.HasPrefix(text, "0x") {
		return fmt.Sprintf("0x%02x", v.Convert(reflect.TypeFor[uint64]()).Uint())
	}
	if v.Kind() != reflect.String || text == `""` {
		return text
	}
	if text == "" || strings.ContainsAny(text[:1], "[{&*!|>'\"%@`#-?,") || strings.Contains(text, ": ") || strings.Contains(text, " #") || strings.HasSuffix(text, ":") {
		return `"` + strings.ReplaceAll(text, `"`, `\"`) + `"`
	}
	return text
}

// list writes a list's first element; where elements have drivers, one for each driver,
// of which the first is set.
func (s *sampler) list(prefix string, f field, v reflect.Value) {
	s.line(prefix + f.key + ":")
	d, ok := v.Addr().Interface().(driven)
	if !ok {
		s.element(prefix+"  ", fieldsOf(v.Type()), v, nil)
		return
	}
	key, word := d.selector()
	names := d.known(s.known)
	for i, name := range leading(names, f.example) {
		*word = name
		settings := reflect.ValueOf(d.make(s.known)).Elem()
		if i == 0 {
			s.element(prefix+"  ", exampleOf(fieldsOf(v.Type()), key, name), v, &settings)
			continue
		}
		s.line("")
		s.line(prefix + "  #- id: " + name)
		s.line(prefix + "  #  " + key + ": " + name + s.measures(d, name))
		s.fields(prefix+"  #  ", settings)
	}
}

// measures tells what a driver's points are.
func (s *sampler) measures(d driven, name string) string {
	if _, ok := d.(*Sensor); !ok {
		return ""
	}
	device := s.known.Sensors[name]
	var points []string
	for _, p := range device.points(device.settings()) {
		points = append(points, p.Name)
	}
	if len(points) == 0 {
		return ""
	}
	return "   # measures " + strings.Join(points, ", ")
}

// leading puts the named one first, if it is there.
func leading(names []string, first string) []string {
	var out []string
	for _, n := range names {
		if n == first {
			out = append([]string{n}, out...)
		} else {
			out = append(out, n)
		}
	}
	return out
}

func exampleOf(fields []field, key, name string) []field {
	for i := range fields {
		if fields[i].key == key {
			fields[i].example = name
		}
	}
	return fields
}

// settings writes a driver's own keys in the element that is set.
func (s *sampler) settings(prefix, word string, v reflect.Value) {
	for _, f := range fieldsOf(v.Type()) {
		if value, ok := sampleValues[word+"."+f.key]; ok {
			f.example = value
		}
		s.field(prefix, f, v.FieldByIndex(f.index))
	}
}

// element writes an element of a list: its first key after the dash, then the others.
func (s *sampler) element(prefix string, fields []field, v reflect.Value, settings *reflect.Value) {
	for i, f := range fields {
		if i == 0 {
			s.doc(prefix, sentence(f, v.FieldByIndex(f.index)))
			s.line(prefix + "- " + f.key + ": " + s.scalar(f, v.FieldByIndex(f.index), f.example))
			continue
		}
		s.field(prefix+"  ", f, v.FieldByIndex(f.index))
		if settings != nil && (f.key == "driver" || f.key == "kind") {
			s.settings(prefix+"  ", v.FieldByIndex(f.index).String(), *settings)
		}
	}
}
