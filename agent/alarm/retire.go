package alarm

import (
	"slices"
	"strings"

	"github.com/frostline/frostline/agent"
)

// retire takes open alarms that the config no longer has out of service, so that nobody
// waits for their end.
func (e *Engine) retire(moment Line) {
	slices.SortFunc(e.retired, func(a, b retired) int { return strings.Compare(a.key, b.key) })
	for _, r := range e.retired {
		if r.ID == "" && r.Over != nil {
			r.ID = r.Over.ID
		}
		message, texts := e.tell(func(s speech) string { return s.retired(r.key) })
		e.emit(e.line.instant(moment), &agent.AlarmEvent{
			ID: r.ID, Alarm: r.Alarm, Kind: r.Kind, Severity: r.Severity, Zone: r.Zone, Point: r.Point, Item: r.Item,
			Transition: agent.OutOfService, State: agent.StateOutOfService, Began: r.Began,
			Message: message, Texts: texts,
		})
	}
	e.retired = nil
}
