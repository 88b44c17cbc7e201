// Package all lists the drivers in the folders of sensors. A new driver enters the list
// with `make generate`.
package all

//go:generate go run ../../internal/generate drivers
