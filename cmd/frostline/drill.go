package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/frostline/frostline/agent/control"
)

// drillLook is how often a drill is asked who answered.
const drillLook = 250 * time.Millisecond

// errUnanswered is what a drill ends with that somebody did not answer.
var errUnanswered = errors.New("not everybody answered")

func alarmsDrillCommand() *cobra.Command {
	var t target
	wait := 10 * time.Minute
	cmd := &cobra.Command{
		Use: "drill", Short: "Sound and send everything, and print who answers in what time", Args: noArgs,
		Long: "Every output sounds, shines or sends, and every person is told, marked as a drill. People answer with their badge or\n" +
			"with `frostline alarms ack drill --as NAME --comment ...`. It ends when everybody answered, when the time is up, or\n" +
			"when this is interrupted. A drill is no alarm; that it was held, and who answered, is on record.",
		Example: "  frostline alarms drill --as \"Li Wei\" --wait 5m",
		RunE: func(cmd *cobra.Command, _ []string) error {
			if wait < 10*time.Second || wait > time.Hour {
				return usagef("for how long? say --wait 10m; 10s to 1h")
			}
			by, err := t.signature()
			if err != nil {
				return err
			}
			c, err := t.client()
			if err != nil {
				return err
			}
			return t.drill(cmd, c, by, wait)
		},
	}
	t.flags(cmd)
	t.acting(cmd)
	cmd.Flags().DurationVar(&wait, "wait", wait, "how long to wait for answers, 10s to 1h")
	return cmd
}

func (t *target) drill(cmd *cobra.Command, c *control.Client, by string, wait time.Duration) error {
	ctx, out := cmd.Context(), cmd.OutOrStdout()
	var d control.Drill
	if err := c.Post(ctx, "drill", control.DrillStart{By: by, WaitS: int64(wait / time.Second)}, &d); err != nil {
		return err
	}
	if !t.json {
		fmt.Fprintf(out, "drill: %s; waiting for %s\n", noneOr(d.Outputs), plural(len(d.Persons), "person"))
	}
	err := follow(ctx, c, &d, func(p control.DrillPerson) {
		if !t.json {
			fmt.Fprintf(out, "%s answered after %.1f s (%s)\n", p.Name, *p.AfterS, p.How)
		}
	})
	if err != nil {
		return err
	}
	if t.json {
		err = printJSON(out, d)
	} else {
		err = printDrill(out, &d)
	}
	if err == nil && !d.All() {
		err = errUnanswered
	}
	return err
}

// follow looks who answers until everybody has, the time is up or ctx is done, and ends the drill.
func follow(ctx context.Context, c *control.Client, d *control.Drill, answered func(control.DrillPerson)) error {
	look := time.NewTicker(drillLook)
	defer look.Stop()
	told := map[string]bool{}
	for {
		for _, p := range d.Persons {
			if p.AfterS != nil && !told[p.Name] {
				told[p.Name] = true
				answered(p)
			}
		}
		if !d.Running {
			return nil
		}
		if d.All() || ctx.Err() != nil {
			// The buzzer falls silent also where this was interrupted.
			return c.Post(context.WithoutCancel(ctx), "drill/end", control.ByRequest{By: d.By}, d)
		}
		select {
		case <-ctx.Done():
			continue
		case <-look.C:
		}
		var now control.Drill
		if err := c.Get(context.WithoutCancel(ctx), "drill", &now); err != nil {
			return err
		}
		if now.ID != d.ID {
			return errors.New("the agent was restarted: the drill is over")
		}
		*d = now
	}
}

func printDrill(out io.Writer, d *control.Drill) error {
	w := tabwriter.NewWriter(out, 0, 8, 2, ' ', 0)
	fmt.Fprintln(w, "PERSON\tTOLD BY\tANSWERED\tHOW")
	for _, p := range d.Persons {
		after := "no answer"
		if p.AfterS != nil {
			after = fmt.Sprintf("after %.1f s", *p.AfterS)
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", p.Name, noneOr(p.Through), after, strings.TrimSpace(p.How))
	}
	return w.Flush()
}
