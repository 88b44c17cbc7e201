package main

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/frostline/frostline/agent"
	"github.com/frostline/frostline/agent/control"
)

func tripCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "trip", Short: "Open, follow and close a trip", Args: noArgs,
		Long: "Without a command, show the open trip. A gateway has one trip open at a time."}
	show := tripShowCommand()
	cmd.RunE = show.RunE
	cmd.Flags().AddFlagSet(show.Flags())
	cmd.AddCommand(show, tripStartCommand(),
		tripOrderCommand("load", "Loading begins", "", noArgs),
		tripOrderCommand("depart", "Depart: the rules of transit hold from here",
			"The rules of transit hold from here on. Departing before every compartment is in the range of its profile\nis recorded as an event of its own.", noArgs),
		tripOrderCommand("arrive [STOP]", "A planned stop was reached: the next one, or the one that is named", "", maxArgs(1, "name one stop, or none for the next")),
		tripOrderCommand("unload", "Unloading begins: the rules of transit hold no longer", "", noArgs),
		tripOrderCommand("end", "Close the trip", "", noArgs))
	return cmd
}

// maxArgs is cobra.MaximumNArgs with a sentence of ours.
func maxArgs(n int, sentence string) cobra.PositionalArgs {
	return func(_ *cobra.Command, args []string) error {
		if len(args) > n {
			return usagef("%s", sentence)
		}
		return nil
	}
}

func tripShowCommand() *cobra.Command {
	var t target
	cmd := &cobra.Command{
		Use: "show", Short: "Show the open trip", Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			s, _, err := t.status(cmd)
			if err != nil {
				return err
			}
			if t.json {
				return printJSON(cmd.OutOrStdout(), s.Trip)
			}
			if s.Trip == nil {
				_, err := fmt.Fprintln(cmd.OutOrStdout(), "no trip is open")
				return err
			}
			return printTrip(cmd, s.Trip, &s)
		},
	}
	t.flags(cmd)
	return cmd
}

func printTrip(cmd *cobra.Command, trip *control.Trip, s *control.Status) error {
	w := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 8, 2, ' ', 0)
	line := func(name, text string) {
		if text != "" {
			fmt.Fprintf(w, "%s\t%s\n", name, text)
		}
	}
	moment := func(at time.Time) string {
		if at.IsZero() {
			return ""
		}
		return timeIn(at, siteOf(s))
	}
	line("trip", string(trip.ID))
	line("phase", string(trip.Phase))
	line("started", moment(trip.Started))
	line("departed", moment(trip.Departed))
	line("shipment", trip.Shipment)
	line("carrier", trip.Carrier)
	line("lane", trip.Lane)
	line("vehicle", trip.Vehicle)
	line("seal", trip.Seal)
	if trip.Lat != nil && trip.Lon != nil {
		line("position", trip.Lat.String()+" "+trip.Lon.String())
	}
	if trip.OffLevel > 0 {
		line("corridor", fmt.Sprintf("%d m from its line, level %d", trip.DistanceM, trip.OffLevel))
	}
	if trip.LateLevel > 0 {
		line("late", fmt.Sprintf("level %d", trip.LateLevel))
	}
	for _, c := range trip.Compartments {
		text := strings.TrimSpace(c.Profile + " " + string(c.State))
		if c.Value != nil {
			text += fmt.Sprintf(" (%s at %s °C)", c.Point, c.Value)
		}
		line("compartment "+string(c.Zone), text)
	}
	for _, p := range trip.Stops {
		text := "planned"
		switch {
		case !p.Reached.IsZero():
			text = "reached " + moment(p.Reached)
		case p.Skipped:
			text = "skipped"
		case !p.Due.IsZero():
			text = "due " + moment(p.Due)
		case p.AfterS > 0:
			text = "due " + (time.Duration(p.AfterS) * time.Second).String() + " after departure"
		}
		line("stop "+p.Name, text)
	}
	line("next", strings.Join(trip.Next, ", "))
	return w.Flush()
}

func tripStartCommand() *cobra.Command {
	var t target
	var r control.TripStart
	var profiles, stops []string
	var id, phase string
	cmd := &cobra.Command{
		Use: "start", Short: "Open a trip", Args: noArgs,
		Long: "Open a trip. What is not said is the config's. A stop is NAME, NAME=TIME or NAME@LAT,LON[,METRES]=TIME, where TIME is\n" +
			"when it should be reached, as in 2026-03-02T14:30:00+01:00, or how long after departure, as in 2h30m; stops that are\n" +
			"said replace those of the lane. Root and service accounts are no persons: they say --as NAME.",
		Example: "  frostline trip start --shipment 4711 --seal S-99 --lane hub-clinic --as \"Li Wei\"\n" +
			"  frostline trip start --profile front=vaccine-2-8 --stop \"Clinic@53.05,8.8,150=2h\"",
		RunE: func(cmd *cobra.Command, _ []string) error {
			r.ID, r.Phase = agent.TripID(id), agent.TripPhase(phase)
			for _, text := range profiles {
				zone, profile, ok := strings.Cut(text, "=")
				if !ok || zone == "" || profile == "" {
					return usagef("--profile %s: want ZONE=PROFILE", text)
				}
				r.Compartments = append(r.Compartments, agent.TripCompartment{Zone: agent.ZoneID(zone), Profile: profile})
			}
			for _, text := range stops {
				s, err := parseStop(text)
				if err != nil {
					return usagef("--stop %s: %w", text, err)
				}
				r.Stops = append(r.Stops, s)
			}
			var err error
			if r.By, err = t.signature(); err != nil {
				return err
			}
			return t.tripPost(cmd, "trip/start", r)
		},
	}
	t.flags(cmd)
	t.acting(cmd)
	f := cmd.Flags()
	f.StringVar(&id, "id", "", "name of the trip (default: gateway, time and number)")
	f.StringVar(&r.Shipment, "shipment", "", "shipment, as its papers name it")
	f.StringVar(&r.Carrier, "carrier", "", "carrier")
	f.StringVar(&r.Lane, "lane", "", "lane of the config")
	f.StringVar(&r.Vehicle, "vehicle", "", "vehicle")
	f.StringVar(&r.Seal, "seal", "", "seal")
	f.StringVar(&phase, "phase", "", "phase to begin with: pre-cool, loading or under-way (default pre-cool)")
	f.StringArrayVar(&profiles, "profile", nil, "`ZONE=PROFILE` of a compartment; repeat for more, in place of the config's")
	f.StringArrayVar(&stops, "stop", nil, "`STOP` that is planned; repeat for more, in their order")
	f.StringVar(&r.Comment, "comment", "", "what else should be on record")
	return cmd
}

var (
	errStopPlace = errors.New("want NAME@LAT,LON or NAME@LAT,LON,METRES")
	errStopTime  = errors.New("want a time such as 2026-03-02T14:30:00+01:00, or a span such as 2h30m")
)

// parseStop reads NAME, NAME=TIME, NAME@LAT,LON and NAME@LAT,LON,METRES=TIME.
func parseStop(text string) (agent.TripStop, error) {
	var s agent.TripStop
	if i := strings.LastIndexByte(text, '='); i >= 0 {
		when := text[i+1:]
		text = text[:i]
		if d, err := time.ParseDuration(when); err == nil && d > 0 {
			s.AfterS = int64(d / time.Second)
		} else if s.Due, err = time.Parse(time.RFC3339, when); err != nil {
			return s, errStopTime
		}
		s.Due = s.Due.UTC()
	}
	if i := strings.LastIndexByte(text, '@'); i >= 0 {
		parts := strings.Split(text[i+1:], ",")
		text = text[:i]
		if len(parts) != 2 && len(parts) != 3 {
			return s, errStopPlace
		}
		lat, errLat := agent.ParseValue(strings.TrimSpace(parts[0]))
		lon, errLon := agent.ParseValue(strings.TrimSpace(parts[1]))
		if errLat != nil || errLon != nil {
			return s, errStopPlace
		}
		s.Lat, s.Lon = &lat, &lon
		if len(parts) == 3 {
			metres, err := strconv.ParseInt(strings.TrimSpace(parts[2]), 10, 64)
			if err != nil || metres < 1 {
				return s, errStopPlace
			}
			s.RadiusM = metres
		}
	}
	s.Name = strings.TrimSpace(text)
	return s, nil
}

// tripOrderCommand is a verb on the open trip; its first word is what the agent is told.
func tripOrderCommand(use, short, long string, args cobra.PositionalArgs) *cobra.Command {
	var t target
	var comment string
	verb, _, _ := strings.Cut(use, " ")
	cmd := &cobra.Command{
		Use: use, Short: short, Long: long, Args: args,
		RunE: func(cmd *cobra.Command, args []string) error {
			r := control.TripOrder{Do: verb, Comment: comment, Stop: strings.Join(args, "")}
			var err error
			if r.By, err = t.signature(); err != nil {
				return err
			}
			return t.tripPost(cmd, "trip", r)
		},
	}
	if verb == "arrive" {
		cmd.Aliases = []string{"stop-reached"}
	}
	t.flags(cmd)
	t.acting(cmd)
	cmd.Flags().StringVar(&comment, "comment", "", "what else should be on record")
	return cmd
}

// tripPost tells the agent, and prints what it brought about.
func (t *target) tripPost(cmd *cobra.Command, path string, in any) error {
	c, err := t.client()
	if err != nil {
		return err
	}
	var r control.TripReply
	if err := c.Post(cmd.Context(), path, in, &r); err != nil {
		return err
	}
	if t.json {
		return printJSON(cmd.OutOrStdout(), r)
	}
	for i := range r.Events {
		fmt.Fprintln(cmd.OutOrStdout(), r.Events[i].Message)
	}
	return nil
}
