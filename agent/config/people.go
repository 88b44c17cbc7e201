package config

import (
	"slices"
	"strings"
	"time"

	"github.com/frostline/frostline/agent"
	"github.com/frostline/frostline/agent/escalate"
)

// Person is somebody who hears of alarms, or decides.
type Person struct {
	ID       string         `yaml:"id,required" doc:"The person, for ever; it is not shown." example:"li-wei"`
	Name     string         `yaml:"name,required" doc:"What records and messages call the person, and what --as NAME says." example:"Li Wei"`
	Roles    []string       `yaml:"roles" doc:"What the person does here. A level can tell everybody with a role; quality may decide what becomes of goods." enum:"keeper,driver,region,quality,technician,manager" like:"[keeper]"`
	Language agent.Language `yaml:"language" doc:"The language of messages to this person." enum:"en,zh"`
	Unit     agent.Degrees  `yaml:"unit" doc:"The unit of temperatures in messages to this person." enum:"celsius,fahrenheit"`
	Email    string         `yaml:"email" doc:"Told by mail at this address, through the first output that sends mails." example:"li.wei@cold.example"`
	Phone    string         `yaml:"phone" doc:"Told by short message at this number with country code, through the first output that sends them." like:"+8613800138000"`
	Chat     *Chat          `yaml:"chat" doc:"Told through a webhook."`
	Badge    string         `yaml:"badge" doc:"The code of the person's badge or tag: scanned at any scanner it acknowledges, by name, everything that sounds there." like:"04a2b3c4d5e680"`
	Rota     string         `yaml:"rota" doc:"When the person is on duty: a rota of escalation. Without it, always." like:"day"`
}

func (p *Person) setDefaults() { p.Language, p.Unit = agent.English, agent.Celsius }

// Chat is a webhook through which a person is told.
type Chat struct {
	Output  string `yaml:"output,required" doc:"The output: a webhook." example:"chat"`
	Address string `yaml:"address" doc:"The person's own URL there; may be a secret. Without it, the output's: a group that the person reads." like:"${credential:chat-li-wei}"`
}

// Escalation says who is told of alarms that nobody acknowledges, and when.
type Escalation struct {
	Levels []Level `yaml:"levels" doc:"Who is told, after which time. Acknowledging, shelving and taking out of service stop it."`
	Rotas  []Rota  `yaml:"rotas" doc:"When people are on duty. At every minute of the week somebody has to be for each severity that levels tell people of."`
	Quiet  []Shift `yaml:"quiet" doc:"Quiet hours, in the site's time: they hold back what is not critical from people and from the outputs that levels name, until they end."`
}

// inPart has the section checked even if some of it could not be read.
func (*Escalation) inPart() {}

// Level is who is told when nobody has acknowledged for some time.
type Level struct {
	After    time.Duration    `yaml:"after" doc:"How long nobody has acknowledged: 0s for at once, at most 7d. The time counts on through restarts and power cuts." example:"10m"`
	To       []string         `yaml:"to,required" doc:"People, roles and outputs, by their ids. An output that a level names is told then and not before; all others are told at once." example:"[keeper]"`
	Severity []agent.Severity `yaml:"severity" doc:"For which alarms; without it, warning and critical." like:"[critical]"`
	Places   []agent.ZoneID   `yaml:"places" doc:"For which zones; without it, all, and alarms that belong to none." like:"[cold-room-1]"`
	Advice   string           `yaml:"advice" doc:"What to do, in a sentence, for whoever this level tells." like:"Call the keeper; if nobody answers, drive there."`

	Persons, Roles, Outputs []string `yaml:"-"` // of To
}

// Rota is when people are on duty: in any of its shifts.
type Rota struct {
	ID     string  `yaml:"id,required" doc:"The rota." example:"day"`
	Shifts []Shift `yaml:"shifts,required" doc:"Its shifts."`
}

// Shift is a time of the week.
type Shift struct {
	Days  escalate.Days      `yaml:"days" doc:"Days on which it begins: mon-fri, or sat,sun." example:"mon-fri"`
	From  escalate.TimeOfDay `yaml:"from" doc:"When it begins, in the site's time." like:"08:00"`
	To    escalate.TimeOfDay `yaml:"to" doc:"When it ends; if that is not later than from, on the next day."`
	Every int                `yaml:"every" doc:"Every how many weeks: 2 for every second one. 1 to 6."`
	Since Date               `yaml:"since" doc:"A day of a week in which it is on, where every is more than 1." like:"2026-01-05"`
}

func (s *Shift) setDefaults() { s.Days, s.To, s.Every = escalate.AllDays, escalate.EndOfDay, 1 }

// Mute is an input that silences what sounds.
type Mute struct {
	Point   agent.PointID `yaml:"point,required" doc:"The point of the button: a contact." example:"button/contact"`
	Is      agent.Value   `yaml:"is" doc:"The value that it has while it is pressed."`
	For     time.Duration `yaml:"for" doc:"For how long it silences, 10s to 1h. It acknowledges nothing; a new critical alarm is heard at once."`
	Outputs []string      `yaml:"outputs" doc:"Which outputs; without it, all that can be silenced." like:"[buzzer]"`
}

func (m *Mute) setDefaults() { m.Is, m.For = agent.Unit, 10*time.Minute }

// What an output needs to know of a person to tell them; settings of an output say it with
// Addresses() string. Those of others do not tell persons.
const (
	ByEmail   = "email"
	ByPhone   = "phone"
	ByWebhook = "webhook"
)

// Addresses is what an output needs to know of a person: ByEmail, ByPhone, ByWebhook; empty if it
// tells no persons.
func (o *Output) Addresses() string {
	if a, ok := o.Settings.(interface{ Addresses() string }); ok {
		return a.Addresses()
	}
	return ""
}

// Way is how a person is told.
type Way struct {
	Output  string
	Address string // as the config has it: may be a reference to a secret; empty: the output's own
}

// Ways are how a person is told, in the order of the person's keys.
func (c *Config) Ways(p *Person) []Way {
	var ways []Way
	for _, w := range []struct{ kind, address string }{{ByEmail, p.Email}, {ByPhone, p.Phone}} {
		i := slices.IndexFunc(c.Outputs, func(o Output) bool { return o.Addresses() == w.kind })
		if w.address != "" && i >= 0 {
			ways = append(ways, Way{c.Outputs[i].ID, w.address})
		}
	}
	if p.Chat != nil && slices.ContainsFunc(c.Outputs, func(o Output) bool { return o.ID == p.Chat.Output && o.Addresses() == ByWebhook }) {
		ways = append(ways, Way{p.Chat.Output, p.Chat.Address})
	}
	return ways
}

// PersonNamed finds a person by name or id, whatever the letters' case.
func (c *Config) PersonNamed(name string) (*Person, bool) {
	for i := range c.People {
		if p := &c.People[i]; strings.EqualFold(p.Name, name) || strings.EqualFold(p.ID, name) {
			return p, true
		}
	}
	return nil, false
}

// Told lists by name who hears of a critical alarm in a zone by some level, each once.
func (c *Config) Told(zone agent.ZoneID) []string {
	var names []string
	s := c.EscalationSetup()
	for i := range s.Levels {
		for n := range s.People {
			p := &c.People[n]
			if s.Levels[i].Concerns(agent.SeverityCritical, zone) && s.Levels[i].Tells(&s.People[n]) &&
				len(c.Ways(p)) > 0 && !slices.Contains(names, p.Name) {
				names = append(names, p.Name)
			}
		}
	}
	return names
}

// EscalationSetup is what the escalation engine is made from.
func (c *Config) EscalationSetup() escalate.Setup {
	s := escalate.Setup{Location: c.Location}
	rotas := map[string][]escalate.Shift{}
	if c.Escalation != nil {
		for _, r := range c.Escalation.Rotas {
			rotas[r.ID] = shiftsOf(r.Shifts)
		}
		for _, l := range c.Escalation.Levels {
			s.Levels = append(s.Levels, escalate.Level{
				After: l.After, Persons: l.Persons, Roles: l.Roles, Outputs: l.Outputs, Severities: l.Severity, Places: l.Places, Advice: l.Advice,
			})
		}
		s.Quiet = shiftsOf(c.Escalation.Quiet)
	}
	for _, p := range c.People {
		s.People = append(s.People, escalate.Person{ID: p.ID, Roles: p.Roles, Rota: rotas[p.Rota]})
	}
	return s
}

func shiftsOf(list []Shift) []escalate.Shift {
	var out []escalate.Shift
	for _, s := range list {
		out = append(out, escalate.Shift{Days: s.Days, From: s.From, To: s.To, Every: s.Every, Since: s.Since.Time()})
	}
	return out
}
