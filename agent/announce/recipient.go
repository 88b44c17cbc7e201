package announce

import (
	"fmt"

	"github.com/frostline/frostline/agent"
)

// Recipient is a person whom an output tells.
type Recipient struct {
	ID      string      `json:"id,omitempty"`   // the person's; empty: an address of the output's settings
	Name    string      `json:"name,omitempty"` // what the person is called
	Address string      `json:"address,omitempty"`
	Voice   agent.Voice `json:"voice,omitzero"` // in which the person is spoken to
}

// Recipients lists to whom an output brings the notice. own are the addresses in its settings,
// which are spoken to in its own voice.
func (n Notice) Recipients(own []string, v agent.Voice) []Recipient {
	all := n.To
	if len(n.To) == 0 || n.Own {
		all = make([]Recipient, 0, len(own)+len(n.To))
		for _, address := range own {
			all = append(all, Recipient{Address: address, Voice: v})
		}
		all = append(all, n.To...)
	}
	return all
}

// Remaining is an error of Announce after which the notice comes again only for some of its
// persons: the others have it, or never will. Notices that wait behind it go first, so that one
// person who cannot be reached keeps nobody else from hearing of an alarm.
type Remaining struct {
	To  []Recipient
	Err error
}

// Error implements error.
func (r *Remaining) Error() string {
	return fmt.Sprintf("%d persons not reached yet: %v", len(r.To), r.Err)
}

// Unwrap is why.
func (r *Remaining) Unwrap() error { return r.Err }
