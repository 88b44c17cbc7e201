package config

import "path/filepath"

// StoreDir is store.dir of a config that may have errors elsewhere, so that a running agent can
// be found after a bad edit of its file; the default where the text does not set it. ok is false
// if the text is no YAML document or says of the directory what no agent can have taken.
func StoreDir(text []byte) (dir string, ok bool) {
	root := parseYAML(&problems{}, text)
	if root == nil {
		return "", false
	}
	store := root.child("store")
	if store == nil {
		return Defaults().Store.Dir, true
	}
	if store.kind != mapNode {
		return "", false
	}
	n := store.child("dir")
	if n == nil {
		return Defaults().Store.Dir, true
	}
	if n.kind != scalarNode || !filepath.IsAbs(n.text) || len(n.text) > maxDir {
		return "", false
	}
	return n.text, true
}
