// Package logline announces alarm transitions as lines of the structured log.
package logline

import (
	"context"
	"log/slog"

	"github.com/frostline/frostline/agent"
	"github.com/frostline/frostline/agent/announce"
)

// Settings choose what is logged.
type Settings struct {
	Severity agent.Severity `yaml:"severity" doc:"Least severity that is logged."`
}

// Validate says what is wrong with the settings.
func (s *Settings) Validate() error { return announce.CheckSeverity(s.Severity) }

// Driver is the output for the config.
var Driver = announce.Define("log", Settings{Severity: agent.SeverityInfo}, open)

func open(_ context.Context, h announce.Host, s Settings) (announce.Output, error) {
	return &output{log: h.Log, voice: h.Voice, least: s.Severity}, nil
}

type output struct {
	log   *slog.Logger
	voice agent.Voice
	least agent.Severity
}

var levels = map[agent.Severity]slog.Level{
	agent.SeverityInfo:     slog.LevelInfo,
	agent.SeverityWarning:  slog.LevelWarn,
	agent.SeverityCritical: slog.LevelError,
}

// Announce implements announce.Output: a raised alarm has its severity's level, every other
// transition is information.
func (o *output) Announce(ctx context.Context, n announce.Notice) error {
	ev := n.Event
	if ev == nil || !announce.AtLeast(ev.Severity, o.least) {
		return nil
	}
	level := slog.LevelInfo
	if ev.State == agent.StateUnack {
		level = levels[ev.Severity]
	}
	attrs := []slog.Attr{
		slog.String("id", string(ev.ID)), slog.String("alarm", string(ev.Alarm)),
		slog.String("transition", string(ev.Transition)), slog.String("state", string(ev.State)),
		slog.String("severity", string(ev.Severity)), slog.String("message", ev.In(o.voice)),
	}
	for _, a := range []struct{ key, text string }{
		{"zone", string(ev.Zone)}, {"point", string(ev.Point)}, {"item", string(ev.Item)},
		{"by", ev.By}, {"comment", ev.Comment},
	} {
		if a.text != "" {
			attrs = append(attrs, slog.String(a.key, a.text))
		}
	}
	o.log.LogAttrs(ctx, level, "alarm", attrs...)
	return nil
}

// Close implements announce.Output.
func (o *output) Close() error { return nil }
