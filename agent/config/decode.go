package config

import (
	"encoding"
	"math"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/frostline/frostline/agent"
)

// field is one key of a settings struct, as its tags describe it.
//
//	yaml:"key"           the key; yaml:"key,required" where there is no default; fields without the tag are not read
//	doc:"…"              what it is, for the sample and the schema
//	enum:"a,b"           the words it can have; not needed for nouns such as agent.Severity and types with Words() []string
//	example:"…"          what the sample sets it to; a key without stands there commented out, with its default
//	like:"…"             what a key commented out in the sample shows in place of a default
//
// An embedded struct without a yaml tag lends its keys to the struct around it.
type field struct {
	key      string
	required bool
	doc      string
	enum     []string
	example  string
	like     string
	index    []int
	typ      reflect.Type
}

// wordy is a type that lists its own words.
type wordy interface{ Words() []string }

// fieldsOf lists the keys of a settings struct, in the order of its fields.
func fieldsOf(t reflect.Type) []field {
	var list []field
	for i := range t.NumField() {
		f := t.Field(i)
		tag, tagged := f.Tag.Lookup("yaml")
		key, options, _ := strings.Cut(tag, ",")
		if f.Anonymous && f.Type.Kind() == reflect.Struct && key == "" {
			for _, inner := range fieldsOf(f.Type) {
				inner.index = append(slices.Clone(f.Index), inner.index...)
				list = append(list, inner)
			}
			continue
		}
		if !tagged || key == "-" || !f.IsExported() {
			continue
		}
		if key == "" {
			key = strings.ToLower(f.Name)
		}
		list = append(list, field{
			key: key, required: options == "required", doc: f.Tag.Get("doc"), enum: wordsOf(f),
			example: f.Tag.Get("example"), like: f.Tag.Get("like"), index: f.Index, typ: f.Type,
		})
	}
	return list
}

func wordsOf(f reflect.StructField) []string {
	if tag, ok := f.Tag.Lookup("enum"); ok {
		return strings.Split(tag, ",")
	}
	t := f.Type
	for t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice {
		t = t.Elem()
	}
	switch v := reflect.New(t).Interface().(type) {
	case wordy:
		return v.Words()
	case *agent.Severity:
		return words(agent.Severities())
	case *agent.Role:
		return words(agent.Roles())
	case *agent.Kind:
		return words(agent.Kinds())
	case *agent.Quantity:
		return words(agent.Quantities())
	case *agent.Direction:
		return words([]agent.Direction{agent.DirectionIn, agent.DirectionOut, agent.DirectionCount})
	}
	return nil
}

func words[S ~string](list []S) []string {
	out := make([]string, len(list))
	for i, s := range list {
		out[i] = string(s)
	}
	return out
}

func keysOf(fields []field) []string {
	keys := make([]string, len(fields))
	for i, f := range fields {
		keys[i] = f.key
	}
	return keys
}

// defaulter is an element of a list that has defaults.
type defaulter interface{ setDefaults() }

// decode fills v, which already holds its defaults, from n. It reports every error and
// leaves what it cannot read at its default. ok is false if there was one.
func (p *problems) decode(n *node, v reflect.Value, enum []string) (ok bool) {
	before := p.count()
	p.value(n, v, enum)
	return p.count() == before
}

func (p *problems) count() int { return len(p.errors) + p.more }

var exponent = regexp.MustCompile(`^[eE][-+]?[0-9]`)

var (
	durationType = reflect.TypeFor[time.Duration]()
	valueType    = reflect.TypeFor[agent.Value]()
	bytesType    = reflect.TypeFor[Bytes]()
)

func (p *problems) value(n *node, v reflect.Value, enum []string) {
	if n.kind == brokenNode {
		return
	}
	t := v.Type()
	if t.Kind() == reflect.Pointer {
		if n.kind == nullNode {
			p.at(n, "the key has no value")
			return
		}
		fresh := reflect.New(t.Elem())
		if d, ok := fresh.Interface().(defaulter); ok {
			d.setDefaults()
		}
		_, part := fresh.Interface().(interface{ inPart() })
		if p.decode(n, fresh.Elem(), enum) || part {
			v.Set(fresh)
		}
		return
	}
	if t != durationType && !v.Addr().Type().Implements(reflect.TypeFor[encoding.TextUnmarshaler]()) {
		switch t.Kind() {
		case reflect.Struct:
			p.structure(n, v)
			return
		case reflect.Slice:
			p.list(n, v, enum)
			return
		case reflect.Map:
			p.table(n, v)
			return
		}
	}
	p.scalar(n, v, enum)
}

// structure fills a struct from a mapping; an empty value leaves its defaults.
func (p *problems) structure(n *node, v reflect.Value) {
	if !p.isMapping(n) {
		return
	}
	fields := fieldsOf(v.Type())
	p.required(n, fields)
	d, hasDriver := v.Addr().Interface().(driven)
	for _, e := range n.entries {
		i := slices.IndexFunc(fields, func(f field) bool { return f.key == e.key })
		switch {
		case i >= 0:
			p.value(e.value, v.FieldByIndex(fields[i].index), fields[i].enum)
		case !hasDriver:
			p.unknownKey(n, e, keysOf(fields))
		}
	}
	if hasDriver {
		p.settings(n, d, fields)
	}
}

func (p *problems) isMapping(n *node) bool {
	if n.kind == scalarNode || n.kind == listNode {
		p.at(n, "this is %s: want keys with values", n.what())
	}
	return n.kind == mapNode
}

func (p *problems) required(n *node, fields []field) {
	for _, f := range fields {
		if f.required && n.child(f.key) == nil {
			p.at(n, "the key %s is missing", f.key)
		}
	}
}

// unknownKey reports a key that is none of valid. One that is already there is a candidate only
// where no other is near.
func (p *problems) unknownKey(n *node, e entry, valid []string) {
	free := slices.DeleteFunc(slices.Clone(valid), func(k string) bool { return n.child(k) != nil && k != e.key })
	if len(free) == 0 || nearest(e.key, free) == "" && nearest(e.key, valid) != "" {
		free = valid
	}
	p.errorf(e.pos, join(n.path, clip(e.key)), "unknown key%s", suggest(e.key, free))
}

// list fills a slice; an empty value is an empty list.
func (p *problems) list(n *node, v reflect.Value, enum []string) {
	if n.kind == nullNode {
		return
	}
	if n.kind != listNode {
		p.at(n, "this is %s: want a list, each item after a dash", n.what())
		return
	}
	out := reflect.MakeSlice(v.Type(), len(n.items), len(n.items))
	for i, item := range n.items {
		if d, ok := out.Index(i).Addr().Interface().(defaulter); ok {
			d.setDefaults()
		}
		if item.kind == nullNode {
			p.at(item, "the list has an empty item here")
			continue
		}
		p.value(item, out.Index(i), enum)
	}
	v.Set(out)
}

// table fills a map with text keys.
func (p *problems) table(n *node, v reflect.Value) {
	if n.kind == nullNode || !p.isMapping(n) {
		return
	}
	t := v.Type()
	out := reflect.MakeMapWithSize(t, len(n.entries))
	for _, e := range n.entries {
		item := reflect.New(t.Elem())
		if d, ok := item.Interface().(defaulter); ok {
			d.setDefaults()
		}
		p.value(e.value, item.Elem(), nil)
		out.SetMapIndex(reflect.ValueOf(e.key).Convert(t.Key()), item.Elem())
	}
	v.Set(out)
}

// scalar fills anything that is written as one word or number.
func (p *problems) scalar(n *node, v reflect.Value, enum []string) {
	if n.kind == nullNode {
		p.at(n, "the key has no value")
		return
	}
	if n.kind != scalarNode {
		p.at(n, "this is %s: want %s", n.what(), wanted(v.Type()))
		return
	}
	if enum != nil && !slices.Contains(enum, n.text) {
		p.at(n, "%s is not valid here%s", clip(n.text), suggest(n.text, enum))
		return
	}
	if v.Type() == durationType {
		d, err := parseDuration(n.text)
		if err != nil {
			p.at(n, "%s", err)
			return
		}
		v.SetInt(int64(d))
		return
	}
	if u, ok := v.Addr().Interface().(encoding.TextUnmarshaler); ok {
		p.text(n, v, u)
		return
	}
	switch v.Kind() {
	case reflect.String:
		p.word(n, v)
	case reflect.Bool:
		p.boolean(n, v)
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64,
		reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		p.integer(n, v)
	case reflect.Float32, reflect.Float64:
		f, err := strconv.ParseFloat(n.text, 64)
		if err != nil || n.quoted || math.IsInf(f, 0) || math.IsNaN(f) {
			p.at(n, "%s is not a number", clip(n.text))
			return
		}
		v.SetFloat(f)
	default:
		p.at(n, "no value can be written here")
	}
}

func (p *problems) text(n *node, v reflect.Value, u encoding.TextUnmarshaler) {
	err := u.UnmarshalText([]byte(n.text))
	if err == nil {
		return
	}
	if v.Type() == valueType {
		number, unit := splitUnit(n.text)
		unit = strings.TrimSpace(unit)
		if number != "" && unit != "" && !exponent.MatchString(unit) {
			if _, err := agent.ParseValue(number); err == nil {
				p.at(n, "%s: write the plain number %s, its unit is that of the quantity", clip(n.text), number)
				return
			}
		}
		p.at(n, "%s: %s", clip(n.text), cause(err))
		return
	}
	p.at(n, "%s", err)
}

// word fills a string. Any scalar is a text here, as it was written: a serial number or
// a code in digits needs no quotes.
func (p *problems) word(n *node, v reflect.Value) {
	if err := checkReferences(n.text); err != nil {
		p.at(n, "%s", err)
		return
	}
	if key := n.path[strings.LastIndexByte(n.path, '.')+1:]; (key == "password" || key == "token") && n.text != "" && len(References(n.text)) == 0 {
		p.warnf(n.pos, n.path, "a secret in plain text: whoever reads this file has it; write ${credential:NAME} or ${env:NAME}")
	}
	v.SetString(n.text)
}

func (p *problems) boolean(n *node, v reflect.Value) {
	switch {
	case n.quoted || n.text != "true" && n.text != "false":
		p.at(n, "%s is neither true nor false", clip(n.text))
	default:
		v.SetBool(n.text == "true")
	}
}

// integer reads decimal, or 0x, 0o and 0b, with or without underscores between digits.
func (p *problems) integer(n *node, v reflect.Value) {
	text := strings.ToLower(n.text)
	digits := strings.TrimLeft(text, "+-")
	base := 10
	if len(digits) > 1 && digits[0] == '0' && strings.ContainsRune("xob", rune(digits[1])) {
		base = 0
	}
	if base == 10 {
		text = strings.ReplaceAll(text, "_", "")
	}
	if base == 10 && len(digits) > 1 && digits[0] == '0' && !n.quoted {
		p.at(n, "%s begins with a zero, which some take for octal: write %s", clip(n.text), strings.TrimLeft(digits[:len(digits)-1], "0")+digits[len(digits)-1:])
		return
	}
	bits := int(bitsOf(v.Type()))
	var err error
	if v.CanInt() {
		var i int64
		if i, err = strconv.ParseInt(text, base, bits); err == nil && !n.quoted {
			v.SetInt(i)
			return
		}
	} else {
		var u uint64
		if u, err = strconv.ParseUint(strings.TrimPrefix(text, "+"), base, bits); err == nil && !n.quoted {
			v.SetUint(u)
			return
		}
	}
	switch {
	case n.quoted:
		p.at(n, "%s: write the number without quotes", clip(n.text))
	case err != nil && strings.Contains(err.Error(), strconv.ErrRange.Error()):
		p.at(n, "%s does not fit: want %s", clip(n.text), integerRange(v.Type()))
	case !v.CanInt() && strings.HasPrefix(text, "-"):
		p.at(n, "%s is negative: want %s", clip(n.text), integerRange(v.Type()))
	default:
		p.at(n, "%s is not a whole number", clip(n.text))
	}
}

func integerRange(t reflect.Type) string {
	bits := bitsOf(t)
	if reflect.Zero(t).CanInt() {
		return strconv.FormatInt(-1<<(bits-1), 10) + " to " + strconv.FormatInt(1<<(bits-1)-1, 10)
	}
	return "0 to " + strconv.FormatUint(math.MaxUint64>>(64-bits), 10)
}

// wanted names what a field takes, for a value of the wrong shape.
func wanted(t reflect.Type) string {
	switch {
	case t == durationType:
		return "a duration such as 10s"
	case t == bytesType:
		return "an amount of data such as 50MiB"
	case t == valueType:
		return "a number"
	}
	switch t.Kind() {
	case reflect.Bool:
		return "true or false"
	case reflect.String, reflect.Struct:
		return "a word"
	}
	return "a number"
}

// bitsOf is the size of an integer type. int and uint count as 32 bits on every machine, so
// that a config means the same on all of them.
func bitsOf(t reflect.Type) uint {
	if k := t.Kind(); k == reflect.Int || k == reflect.Uint {
		return 32
	}
	return uint(t.Bits())
}
