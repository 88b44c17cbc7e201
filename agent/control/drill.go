package control

import (
	"context"
	"net/http"

	"github.com/frostline/frostline/agent"
)

// Drills is what an agent offers that can sound and send everything for an exercise. Safe for
// concurrent use.
type Drills interface {
	StartDrill(ctx context.Context, who Person, r DrillStart) (Drill, error)
	Drill(ctx context.Context) (Drill, error)
	AnswerDrill(ctx context.Context, who Person, r DrillAnswer) (Drill, error)
	EndDrill(ctx context.Context, who Person) (Drill, error)
}

// DrillStart begins a drill.
type DrillStart struct {
	By    string `json:"by"`
	WaitS int64  `json:"wait_s"` // it ends by itself after so many seconds, 10 to 3600
}

// DrillAnswer says that a person answered. Acknowledging the drill's id does so too, and so does
// a badge.
type DrillAnswer struct {
	By  string `json:"by"`
	How string `json:"how,omitempty"` // reply, if empty
}

// Drill is the drill that is running, or the last one; without an id there was none.
type Drill struct {
	ID      agent.AlarmEventID `json:"id,omitempty"`
	Running bool               `json:"running"`
	By      string             `json:"by,omitempty"`
	Outputs []string           `json:"outputs"` // that sound, shine or send
	Persons []DrillPerson      `json:"persons"` // who was told, and whoever else answered
}

// DrillPerson is somebody in a drill.
type DrillPerson struct {
	ID      string   `json:"id,omitempty"` // empty: somebody whom the config does not name
	Name    string   `json:"name"`
	Through []string `json:"through"` // outputs
	AfterS  *float64 `json:"after_s"` // answered after so many seconds; null: not
	How     string   `json:"how,omitempty"`
}

// All reports whether everybody who was told has answered, at least one person.
func (d *Drill) All() bool {
	for _, p := range d.Persons {
		if p.AfterS == nil {
			return false
		}
	}
	return len(d.Persons) > 0
}

// drillRoutes serves drills, if the agent has them.
func (s *Server) drillRoutes(mux *http.ServeMux) {
	drills := s.agent.Drills
	if drills == nil {
		return
	}
	mux.HandleFunc("GET /v1/drill", get(drills.Drill))
	mux.HandleFunc("POST /v1/drill", post(func(ctx context.Context, uid int, r DrillStart) (Drill, error) {
		return drills.StartDrill(ctx, Person{r.By, uid}, r)
	}))
	mux.HandleFunc("POST /v1/drill/answer", post(func(ctx context.Context, uid int, r DrillAnswer) (Drill, error) {
		return drills.AnswerDrill(ctx, Person{r.By, uid}, r)
	}))
	mux.HandleFunc("POST /v1/drill/end", post(func(ctx context.Context, uid int, r ByRequest) (Drill, error) {
		return drills.EndDrill(ctx, Person{r.By, uid})
	}))
}
