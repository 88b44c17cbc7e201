// Package configs holds the sample configs, and the demo's for the binary.
package configs

import _ "embed"

// Demo is the demo's config, demo.yaml.
//
//go:embed demo.yaml
var Demo []byte
