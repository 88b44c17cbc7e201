package config_test

import (
	"strings"
	"testing"

	"github.com/frostline/frostline/agent/config"
)

func TestStoreDirOfABrokenConfig(t *testing.T) {
	const usual = "/var/lib/frostline"
	for _, c := range []struct {
		text, dir string
	}{
		{"store: {dir: /mnt/data}\nnonsense: 1\nsensors: 7\n", "/mnt/data"},
		{"store:\n  dir: \"/mnt/data\"\n  keep: what\n", "/mnt/data"},
		{"store:\n  dir: /mnt/data\n  dir: /mnt/other\n", "/mnt/data"},
		{"sight: lab\n", usual},
		{"store: {keep: {age: never}}\n", usual},
		{"store:\n", ""},
		{"store: /mnt/data\n", ""},
		{"store: {dir: }\n", ""},
		{"store: {dir: [/mnt/data]}\n", ""},
		{"store: {dir: data}\n", ""},
		{"store: {dir: /" + strings.Repeat("x", 200) + "}\n", ""},
		{"store: {dir: /mnt/data\n", ""},
		{"\tsite: lab\nstore: {dir: /mnt/data}\n", ""},
		{"a list", ""},
		{"", ""},
	} {
		if dir, ok := config.StoreDir([]byte(c.text)); dir != c.dir || ok != (c.dir != "") {
			t.Errorf("%q: %q, %v; want %q", c.text, dir, ok, c.dir)
		}
	}
}
