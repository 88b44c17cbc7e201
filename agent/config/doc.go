// Package config turns the config file into plain structs, or into every error it has,
// each with file, line, column and the nearest valid word, before any hardware is touched.
//
// It knows no driver: the caller hands it Known, and what a sensor, upstream or output
// says beyond the keys they all share is decoded into the settings struct that its
// driver made. A zone's profile is handed to Known.Profiles; its limits become alarms as if
// they were written. The annotated sample and the JSON Schema come from the same structs.
//
// The file is YAML read strictly: unknown keys, keys standing twice, durations and
// amounts without a unit, ids that do not exist, and alarms on points that no sensor
// declares are errors. Secrets are references (see Resolve).
package config

//go:generate go test . -count=1 -run TestGeneratedFilesAreFresh -update
