// Command generate writes the files that follow from the source. It is called by go:generate
// directives, in the folder it writes to.
//
//	generate drivers    all.go: the list of the drivers in the folders beside this one
package main

import (
	"fmt"
	"os"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "generate:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) != 1 || args[0] != "drivers" {
		return fmt.Errorf("usage: generate drivers")
	}
	text, err := drivers(".")
	if err != nil {
		return err
	}
	return os.WriteFile(driversFile, text, 0o644)
}
