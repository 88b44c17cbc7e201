package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"
)

// errEnough ends a tail that was asked for so many records.
var errEnough = errors.New("enough")

func tailCommand() *cobra.Command {
	var t target
	var count int
	cmd := &cobra.Command{
		Use: "tail", Short: "Print records as they are committed, one JSON object per line", Args: noArgs,
		Long: "Print every record as it is committed, in the words of docs/wire.md, until you stop it with Ctrl-C.\nTo see what was recorded before, use `frostline store export`.",
		RunE: func(cmd *cobra.Command, _ []string) error {
			if count < 0 {
				return usagef("-n %d: want 0 or more", count)
			}
			c, err := t.client()
			if err != nil {
				return err
			}
			n := 0
			err = c.Tail(cmd.Context(), func(line []byte) error {
				if _, err := fmt.Fprintf(cmd.OutOrStdout(), "%s\n", line); err != nil {
					return err
				}
				if n++; n == count {
					return errEnough
				}
				return nil
			})
			if errors.Is(err, errEnough) {
				return nil
			}
			return err
		},
	}
	t.flags(cmd)
	cmd.Flags().IntVarP(&count, "lines", "n", 0, "end after so many records (0: never)")
	return cmd
}
