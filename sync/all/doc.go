// Package all lists the drivers in the folders of sync. A new upstream enters the list with
// `make generate`.
package all

//go:generate go run ../../internal/generate drivers
