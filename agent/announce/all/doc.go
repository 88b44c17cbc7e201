// Package all lists the local outputs in the folders of agent/announce. A new one enters the
// list with `make generate`.
package all

//go:generate go run ../../../internal/generate drivers
