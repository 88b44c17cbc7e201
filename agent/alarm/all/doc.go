// Package all lists the kinds of alarm in the folders of agent/alarm. A new one enters the
// list with `make generate`.
package all

//go:generate go run ../../../internal/generate drivers
