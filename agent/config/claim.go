package config

import (
	"fmt"
	"reflect"
	"strings"
)

// claim reports two devices that are meant to be the same piece of hardware.
func (k checker) claim(claims map[string]pos, n *node, settings any) {
	what := hardware(settings)
	if what == "" {
		return
	}
	if first, twice := claims[what]; twice {
		at := n
		for _, key := range []string{"address", "device", "pin", "port", "bus"} {
			if c := n.child(key); c != nil {
				at = c
				break
			}
		}
		k.at(at, "%s is taken already, in line %d", what, first.line)
		return
	}
	claims[what] = n.pos
}

// Bus is the bus that the sensor is read over, by the key that drivers use for it; empty
// where it has none of its own.
func (s *Sensor) Bus() string {
	if s.Settings == nil {
		return ""
	}
	v := reflect.ValueOf(s.Settings).Elem()
	for _, f := range fieldsOf(v.Type()) {
		if value := v.FieldByIndex(f.index); f.key == "bus" && value.Kind() == reflect.String {
			if parts := strings.Split(value.String(), ":"); len(parts) == 3 {
				return parts[1] // a bridge on that bus, such as ds248x:i2c-1:0x18
			}
			return value.String()
		}
	}
	return ""
}

// hardware names the piece of hardware that settings mean, by the keys that drivers use
// for it; "" where they mean none, or none that can be told apart.
func hardware(settings any) string {
	if settings == nil {
		return ""
	}
	v := reflect.ValueOf(settings).Elem()
	keys := map[string]string{}
	for _, f := range fieldsOf(v.Type()) {
		switch value := v.FieldByIndex(f.index); {
		case value.Kind() == reflect.String:
			keys[f.key] = value.String()
		case value.CanInt():
			keys[f.key] = fmt.Sprintf("0x%02x", value.Int())
		case value.CanUint():
			keys[f.key] = fmt.Sprintf("0x%02x", value.Uint())
		}
	}
	switch {
	case keys["bus"] != "" && keys["address"] != "":
		return "address " + keys["address"] + " on " + keys["bus"]
	case keys["device"] != "":
		return keys["device"]
	case keys["pin"] != "":
		return "pin " + keys["pin"]
	}
	if _, addressed := keys["address"]; !addressed && keys["bus"] != "" {
		return keys["bus"] // a chip select: one device has it to itself
	}
	return ""
}
