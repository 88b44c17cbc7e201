// Package configs holds the sample configs, the demo's for the binary, and the profiles.
package configs

import (
	"embed"
	"io/fs"
)

// Demo is the demo's config, demo.yaml.
//
//go:embed demo.yaml
var Demo []byte

//go:embed profiles/*.yaml
var profiles embed.FS

// Profiles holds the built-in profiles, each in a file ID.yaml.
func Profiles() fs.FS {
	dir, err := fs.Sub(profiles, "profiles")
	if err != nil {
		panic("configs: the path profiles is valid: " + err.Error())
	}
	return dir
}
