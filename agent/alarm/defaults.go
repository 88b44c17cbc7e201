package alarm

import "github.com/frostline/frostline/agent"

// Defaults are the alarms that every gateway has without a word in the config: a kind that
// watches devices or stock watches all of them. A default watches only what no alarm that
// somebody wrote of the same kind watches. Its id is its kind's name; where the config has
// an alarm of that id, that one stands in for it.
func Defaults(kinds []Kind, written []Spec) []Spec {
	ids := map[agent.AlarmID]bool{}
	for i := range written {
		ids[written[i].ID] = true
	}
	var specs []Spec
	for _, k := range kinds {
		if id := agent.AlarmID(k.Name); k.Default && !ids[id] {
			specs = append(specs, Spec{ID: id, Kind: k.Name, Default: true})
		}
	}
	return specs
}
