package main

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/frostline/frostline/agent"
	"github.com/frostline/frostline/agent/climate"
)

// dewPoint is what the flags of `dewpoint` say.
type dewPoint struct{ ice, asJSON bool }

func dewpointCommand() *cobra.Command {
	var d dewPoint
	cmd := &cobra.Command{
		Use: "dewpoint TEMP RH", Short: "Reckon the dew point of air",
		Long: "Reckon the dew point of air with a temperature in °C (−45 to 60) and a relative humidity in %, by Magnus' formula\n" +
			"over water with Sensirion's constants. A humidity over 100 % is taken as 100 %, and said so.",
		Example: "  frostline dewpoint 25 50\n  frostline dewpoint -5 80 --ice --json",
		// A temperature such as -5 is no flag, which only we can tell.
		DisableFlagParsing: true,
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			return []string{"--json", "--ice"}, cobra.ShellCompDirectiveNoFileComp
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			flags, numbers := apart(args)
			cmd.DisableFlagParsing = false
			if err := cmd.ParseFlags(flags); err != nil {
				return cmd.FlagErrorFunc()(cmd, err)
			}
			if asked, _ := cmd.Flags().GetBool("help"); asked { // cobra always adds it
				return cmd.Help()
			}
			return d.run(cmd.OutOrStdout(), numbers)
		},
	}
	cmd.Flags().BoolVar(&d.ice, "ice", false, "tell the frost point too: below 0 °C, over ice")
	cmd.Flags().BoolVar(&d.asJSON, "json", false, "print JSON")
	return cmd
}

// apart tells flags from numbers, of which some begin with a minus.
func apart(args []string) (flags, numbers []string) {
	for i, a := range args {
		switch {
		case a == "--":
			return flags, append(numbers, args[i+1:]...)
		case strings.HasPrefix(a, "-") && !strings.ContainsAny(a[1:min(2, len(a))], ".0123456789"):
			flags = append(flags, a)
		default:
			numbers = append(numbers, a)
		}
	}
	return flags, numbers
}

// dewPointReport is what `dewpoint --json` prints.
type dewPointReport struct {
	Temperature  agent.Value  `json:"temperature"`
	Humidity     agent.Value  `json:"humidity"`
	DewPoint     agent.Value  `json:"dew_point"`
	FrostPoint   *agent.Value `json:"frost_point,omitempty"`
	Absolute     agent.Value  `json:"absolute_humidity"`
	Saturated    bool         `json:"saturated,omitempty"`
	Extrapolated bool         `json:"extrapolated,omitempty"`
}

func (d *dewPoint) run(out io.Writer, numbers []string) error {
	if len(numbers) != 2 {
		return usagef("which air? say its temperature in °C and its relative humidity in %%, like `frostline dewpoint 25 50`")
	}
	temperature, err := celsius(numbers[0])
	if err != nil {
		return usagef("TEMP %w", err)
	}
	humidity, err := decimal(numbers[1])
	if err != nil {
		return usagef("RH %q is not a relative humidity: write %% like 62.5", clip(numbers[1], 40))
	}
	m, err := climate.Moist(temperature, humidity)
	if err != nil {
		return usage(err)
	}
	r := dewPointReport{
		Temperature: temperature, Humidity: humidity, DewPoint: rounded(m.DewPoint), Absolute: rounded(m.Absolute),
		Saturated: m.Saturated, Extrapolated: m.Extrapolated,
	}
	if d.ice && m.HasFrostPoint {
		frost := rounded(m.FrostPoint)
		r.FrostPoint = &frost
	}
	if d.asJSON {
		return printJSON(out, r)
	}
	return r.text(out, d.ice)
}

func (r *dewPointReport) text(out io.Writer, ice bool) error {
	w := tabwriter.NewWriter(out, 0, 8, 2, ' ', 0)
	fmt.Fprintf(w, "dew point\t%.2f °C\n", r.DewPoint.Float64())
	switch {
	case r.FrostPoint != nil:
		fmt.Fprintf(w, "frost point\t%.2f °C\n", r.FrostPoint.Float64())
	case ice:
		fmt.Fprintln(w, "frost point\tnone: the dew point is not below 0 °C")
	}
	fmt.Fprintf(w, "absolute humidity\t%.2f g/m³\n", r.Absolute.Float64())
	if err := w.Flush(); err != nil {
		return err
	}
	if r.Saturated {
		fmt.Fprintf(out, "The relative humidity of %s %% was taken as 100 %%.\n", r.Humidity)
	}
	if r.Extrapolated {
		fmt.Fprintln(out, "Below −45 °C the formula is a guess.")
	}
	return nil
}
