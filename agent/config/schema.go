package config

import (
	"encoding"
	"encoding/json"
	"math"
	"reflect"
	"time"

	"github.com/frostline/frostline/agent"
)

// Schema is the JSON Schema (draft 7, which editors understand) of a config with the
// drivers in k. It is made from the same structs that read the file. What it cannot say
// (references between sections, limits that exclude each other) only Load checks.
func Schema(k Known) []byte {
	g := schemaMaker{known: k, definitions: map[string]any{}}
	root := g.object(reflect.ValueOf(Defaults()).Elem())
	root["$schema"] = "http://json-schema.org/draft-07/schema#"
	root["$id"] = "https://github.com/frostline/frostline/configs/frostline.schema.json"
	root["title"] = "Frostline config"
	root["definitions"] = g.definitions
	root["type"] = "object"
	text, err := json.MarshalIndent(root, "", "  ")
	if err != nil {
		panic("config: a schema always marshals: " + err.Error())
	}
	return append(text, '\n')
}

type schemaMaker struct {
	known       Known
	definitions map[string]any
}

type schema = map[string]any

// Patterns of values that are written as text.
const (
	durationPattern = `^([0-9]+(\.[0-9]+)?(d|h|m|s|ms))+$`
	bytesPattern    = `^[0-9]+(\.[0-9]+)?([KMGT]i|[kMGT])?B$`
	decimalPattern  = `^[-+]?[0-9]*(\.[0-9]+)?$`
	idPattern       = `^[a-z0-9][a-z0-9_-]{0,63}$`
)

// object is the schema of a struct whose value holds its defaults.
func (g schemaMaker) object(v reflect.Value) schema {
	properties, required := schema{}, []string{}
	for _, f := range fieldsOf(v.Type()) {
		properties[f.key] = g.property(f, v.FieldByIndex(f.index))
		if f.required {
			required = append(required, f.key)
		}
	}
	out := schema{"type": []string{"object", "null"}, "properties": properties, "additionalProperties": false}
	if len(required) > 0 {
		out["required"] = required
	}
	return out
}

func (g schemaMaker) property(f field, v reflect.Value) schema {
	out := g.value(f, v)
	if f.doc != "" {
		out["description"] = f.doc
	}
	if text := defaultText(v); text != nil {
		out["default"] = text
	}
	return out
}

// defaultText is a default as the file would write it; nil where there is none to tell.
func defaultText(v reflect.Value) any {
	switch t := v.Type(); {
	case t == durationType:
		return formatDuration(time.Duration(v.Int()))
	case v.Kind() == reflect.Bool:
		return v.Bool()
	case v.IsZero(), v.Kind() == reflect.Struct, v.Kind() == reflect.Slice, v.Kind() == reflect.Map, v.Kind() == reflect.Pointer:
		return nil
	case t == valueType:
		return v.Interface()
	}
	if m, ok := v.Interface().(encoding.TextMarshaler); ok {
		if text, err := m.MarshalText(); err == nil {
			return string(text)
		}
		return nil
	}
	return v.Interface()
}

func (g schemaMaker) value(f field, v reflect.Value) schema {
	t := v.Type()
	switch {
	case t.Kind() == reflect.Pointer:
		return g.value(f, freshElement(t.Elem()))
	case t == durationType:
		return schema{"type": "string", "pattern": durationPattern}
	case t == bytesType:
		return schema{"type": "string", "pattern": bytesPattern}
	case t == valueType:
		return schema{"type": []string{"number", "string"}, "pattern": decimalPattern}
	case t.Kind() == reflect.Slice:
		return schema{"type": []string{"array", "null"}, "items": g.element(f, t)}
	case f.enum != nil:
		return schema{"enum": f.enum}
	case reflect.PointerTo(t).Implements(reflect.TypeFor[encoding.TextUnmarshaler]()):
		return schema{"type": []string{"string", "number", "boolean"}}
	}
	switch t.Kind() {
	case reflect.Struct:
		return g.object(v)
	case reflect.Map:
		return schema{"type": []string{"object", "null"}, "additionalProperties": g.value(field{}, freshElement(t.Elem()))}
	case reflect.Bool:
		return schema{"type": "boolean"}
	case reflect.String:
		if isIDType(t) {
			return schema{"type": []string{"string", "number"}, "pattern": idPattern}
		}
		return schema{"type": []string{"string", "number", "boolean"}}
	case reflect.Float32, reflect.Float64:
		return schema{"type": "number"}
	}
	return integerSchema(t)
}

func integerSchema(t reflect.Type) schema {
	out, bits := schema{"type": "integer"}, bitsOf(t)
	switch {
	case !reflect.Zero(t).CanInt():
		out["minimum"] = 0
		if bits < 64 {
			out["maximum"] = uint64(math.MaxUint64) >> (64 - bits)
		}
	case bits < 64:
		out["minimum"], out["maximum"] = int64(-1)<<(bits-1), int64(1)<<(bits-1)-1
	}
	return out
}

func isIDType(t reflect.Type) bool {
	switch reflect.Zero(t).Interface().(type) {
	case agent.SiteID, agent.GatewayID, agent.ZoneID, agent.SensorID, agent.ReaderID, agent.AlarmID, agent.ItemID, agent.UpstreamID:
		return true
	}
	return false
}

// freshElement is a new element of a list or mapping, with its defaults.
func freshElement(t reflect.Type) reflect.Value {
	v := reflect.New(t)
	if d, ok := v.Interface().(defaulter); ok {
		d.setDefaults()
	}
	return v.Elem()
}

// element is the schema of a list's elements; those with a driver get a definition of
// their own, with a branch for each driver.
func (g schemaMaker) element(f field, t reflect.Type) schema {
	v := freshElement(t.Elem())
	d, ok := v.Addr().Interface().(driven)
	if !ok {
		return g.value(field{enum: f.enum}, v)
	}
	common := g.object(v)
	common["type"] = "object"
	delete(common, "additionalProperties")
	key, word := d.selector()
	fallback, names := *word, d.known(g.known)
	selector := common["properties"].(schema)[key].(schema)
	selector["enum"] = names
	delete(selector, "type")
	var branches []schema
	for _, name := range names {
		*word = name
		when := schema{"properties": schema{key: schema{"const": name}}}
		if name != fallback {
			when["required"] = []string{key}
		}
		branches = append(branches, schema{"if": when, "then": g.branch(f.key, common, d.make(g.known))})
	}
	if len(branches) > 0 {
		common["allOf"] = branches
	}
	g.definitions[f.key] = common
	return schema{"$ref": "#/definitions/" + f.key}
}

// branch is what holds for one driver or kind: the shared keys, its own, and no others.
func (g schemaMaker) branch(section string, common schema, settings any) schema {
	own := g.object(reflect.ValueOf(settings).Elem())
	delete(own, "type")
	properties := own["properties"].(schema)
	for key := range common["properties"].(schema) {
		properties[key] = schema{"$ref": "#/definitions/" + section + "/properties/" + key}
	}
	return own
}
