package config

import (
	"fmt"
	"reflect"
	"slices"
)

// Clashes lists the keys of drivers that the config itself has, and settings of a type
// that cannot be written in a config.
func Clashes(k Known) []string {
	var out []string
	for _, d := range []driven{&Sensor{}, &Scanner{}, &Upstream{}, &Output{}, &Alarm{}} {
		shared := keysOf(fieldsOf(reflect.TypeOf(d).Elem()))
		_, word := d.selector()
		for _, name := range d.known(k) {
			*word = name
			for _, f := range fieldsOf(reflect.TypeOf(d.make(k)).Elem()) {
				if slices.Contains(shared, f.key) {
					out = append(out, fmt.Sprintf("%s has the key %s, which every %T has", name, f.key, d))
				}
				if f.doc == "" {
					out = append(out, fmt.Sprintf("%s: the key %s has no doc", name, f.key))
				}
			}
		}
	}
	return out
}
