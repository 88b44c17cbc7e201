package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/frostline/frostline/agent"
	"github.com/frostline/frostline/agent/control"
)

// alarmVerb is something that a person does to an alarm beside acknowledging it.
type alarmVerb struct {
	use, short, long, example string
	do                        agent.Transition
	done                      string
	timed                     bool
}

var alarmVerbs = []alarmVerb{
	{
		use: "shelve", do: agent.Shelved, done: "shelved", timed: true,
		short: "Silence an alarm for a time, with a reason",
		long: "The alarm goes on below its shelf and is recorded; it reaches nobody until the time is up or somebody takes\n" +
			"it down with unshelve. If it is there then, it sounds.",
		example: "  frostline alarms shelve cold-room-1-high-air --for 2h --as \"Li Wei\" --comment \"evaporator is being cleaned\"",
	},
	{
		use: "unshelve", do: agent.Unshelved, done: "shelved no longer", short: "Take an alarm down from its shelf before its time",
		example: "  frostline alarms unshelve cold-room-1-high-air --as \"Li Wei\" --comment \"cleaning done\"",
	},
	{
		use: "reset", do: agent.Reset, done: "reset", short: "Reset a latched alarm that returned and was acknowledged",
		example: "  frostline alarms reset cr1-frozen --as \"Li Wei\" --comment \"goods destroyed, see case 12\"",
	},
	{
		use: "out-of-service", do: agent.OutOfService, done: "out of service", short: "Take an alarm out of service until somebody takes it back",
		long: "For maintenance: the alarm goes on and is recorded, and reaches nobody until in-service.\n" +
			"For a short time shelve it instead: that ends by itself.",
		example: "  frostline alarms out-of-service freezer-1-high --as \"Li Wei\" --comment \"freezer emptied for repair\"",
	},
	{
		use: "in-service", do: agent.InService, done: "in service", short: "Take an alarm back into service",
		example: "  frostline alarms in-service freezer-1-high --as \"Li Wei\" --comment \"freezer back\"",
	},
}

func (v alarmVerb) command() *cobra.Command {
	var t target
	var comment string
	var span time.Duration
	cmd := &cobra.Command{
		Use: v.use + " ID", Short: v.short, Long: v.long, Example: v.example,
		Args: exactArgs(1, "which alarm? say its name in the config, name:point, or the ID that `frostline alarms` shows"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if strings.TrimSpace(comment) == "" {
				return usagef("this needs a reason: say --comment \"why\"")
			}
			if v.timed && (span < time.Minute || span > 24*time.Hour) {
				return usagef("for how long? say --for 2h; 1m to 24h")
			}
			by, err := t.signature()
			if err != nil {
				return err
			}
			c, err := t.client()
			if err != nil {
				return err
			}
			var r control.AlarmReply
			req := control.AlarmRequest{Do: v.do, ID: args[0], By: by, Comment: comment, ForS: int64(span / time.Second)}
			if err := c.Post(cmd.Context(), "alarm", req, &r); err != nil {
				return err
			}
			if t.json {
				return printJSON(cmd.OutOrStdout(), r)
			}
			for _, id := range r.Alarms {
				fmt.Fprintf(cmd.OutOrStdout(), "%s: %s\n", v.done, id)
			}
			return nil
		},
	}
	t.flags(cmd)
	t.acting(cmd)
	cmd.Flags().StringVar(&comment, "comment", "", "why (required)")
	if v.timed {
		cmd.Flags().DurationVar(&span, "for", 0, "for how long, 1m to 24h (required)")
	}
	return cmd
}
