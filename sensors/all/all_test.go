package all_test

import (
	"reflect"
	"testing"

	"github.com/frostline/frostline/sensors/all"
)

// TestNames holds what the config relies on: every driver has a name of its own and
// settings whose fields are documented.
func TestNames(t *testing.T) {
	seen := map[string]bool{}
	check := func(name string, config any) {
		if name == "" || seen[name] {
			t.Errorf("driver %q is listed twice or has no name", name)
		}
		seen[name] = true
		fields := reflect.TypeOf(config).Elem()
		for i := range fields.NumField() {
			f := fields.Field(i)
			if f.IsExported() && (f.Tag.Get("yaml") == "" || f.Tag.Get("doc") == "") {
				t.Errorf("%s: field %s has no yaml or no doc tag", name, f.Name)
			}
		}
	}
	for _, d := range all.Sensors() {
		check(d.Name, d.Config())
		if len(d.Points(d.Config())) == 0 {
			t.Errorf("%s has no points", d.Name)
		}
	}
	for _, d := range all.Scanners() {
		check(d.Name, d.Config())
	}
	for _, name := range []string{"bmxx80", "sht4x", "ds18b20", "digital", "mfrc522", "barcode"} {
		if !seen[name] {
			t.Errorf("driver %s is not in the list", name)
		}
	}
}
