package config

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"reflect"
)

// Load reads the config file at path, and the stock items file it names. The error is
// *Errors with everything that is wrong, sorted by line; or says why the file cannot be read.
func Load(path string, k Known) (*Config, error) {
	text, err := readBounded(path, maxText)
	if err != nil {
		return nil, fmt.Errorf("config: %w", err)
	}
	return parse(path, text, k, func(file string) ([]byte, error) {
		if !filepath.IsAbs(file) {
			file = filepath.Join(filepath.Dir(path), file)
		}
		return readBounded(file, maxItemsText)
	})
}

// Parse is Load for a text that was read already; name stands for the file in messages.
// It touches no file: stock.items_file is left unread.
func Parse(name string, text []byte, k Known) (*Config, error) { return parse(name, text, k, nil) }

// readBounded reads at most one byte more than limit: enough to see that it is too much,
// whatever the file turns out to be.
func readBounded(path string, limit int64) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, limit+1))
}

func parse(name string, text []byte, k Known, read func(string) ([]byte, error)) (*Config, error) {
	p := &problems{file: name, known: k}
	root := parseYAML(p, text)
	if root == nil {
		return nil, p.err()
	}
	c := Defaults()
	p.decode(root, reflect.ValueOf(c).Elem(), nil)
	checker{problems: p, c: c, root: root, read: read}.all()
	if err := p.err(); err != nil {
		return nil, err
	}
	sortErrors(name, p.warnings)
	c.Warnings = p.warnings
	return c, nil
}
