package config

import (
	"github.com/frostline/frostline/agent"
)

// noneLeft reports whether an upper and a lower bound leave no value of the quantity
// normal. A single value is nothing that could be kept. A state is always one or the other:
// an alarm on each, with times of their own, watches for one that sticks.
func noneLeft(q agent.Quantity, upper, lower bound) bool {
	return q.Kind() != agent.State && upper.limit <= lower.limit
}

// Contradict reports whether two alarms on the same points leave no value normal, however
// long each of them waits; the sentence says so of the second.
func Contradict(first, second *Alarm) (sentence string, yes bool) {
	a, okA := boundOf(first.Settings)
	b, okB := boundOf(second.Settings)
	if !okA || !okB || a.upper == b.upper || first.Kind != limitKind || second.Kind != limitKind {
		return "", false
	}
	upper, lower := a, b
	if b.upper {
		upper, lower = b, a
	}
	q := second.Quantity
	if q == "" {
		q = first.Quantity
	}
	if !noneLeft(q, upper, lower) {
		return "", false
	}
	return b.String() + " leaves no value normal: the alarm " + string(first.ID) + " is " + a.String(), true
}

// normal checks that on every point some values raise no alarm. places are the nodes of the
// alarms that profiles have made.
func (k checker) normal(places []*node) {
	written := len(k.c.Alarms) - len(places)
	place := func(i int) *node {
		if i >= written {
			return places[i-written]
		}
		return k.root.child("alarms").item(i)
	}
	quantity := map[agent.PointID]agent.Quantity{}
	points, _ := k.declaredPoints()
	for _, p := range points {
		quantity[p.id] = p.quantity
	}
	type extremes struct{ upper, lower int } // alarms by their index + 1
	tightest := map[agent.PointID]extremes{}
	told := map[[2]int]bool{}
	for i := range k.c.Alarms {
		a := &k.c.Alarms[i]
		b, ok := boundOf(a.Settings)
		if !ok || a.Kind != limitKind {
			continue
		}
		for _, p := range a.Points {
			e := tightest[p]
			mine, other := &e.upper, e.lower
			if !b.upper {
				mine, other = &e.lower, e.upper
			}
			if other > 0 && !told[[2]int{other, i}] {
				told[[2]int{other, i}] = k.opposed(other-1, i, quantity[p], p, place)
			}
			if *mine == 0 || stricter(b, k.c.Alarms[*mine-1].Settings) {
				*mine = i + 1
			}
			tightest[p] = e
		}
	}
}

func stricter(b bound, settings any) bool {
	old, _ := boundOf(settings)
	return b.covers(old)
}

// opposed reports an alarm that leaves no value normal beside an earlier one.
func (k checker) opposed(first, second int, q agent.Quantity, p agent.PointID, place func(int) *node) bool {
	a, b := k.c.Alarms[first], k.c.Alarms[second]
	a.Quantity, b.Quantity = q, q
	sentence, yes := Contradict(&a, &b)
	if yes {
		bound, _ := boundOf(b.Settings)
		k.at(place(second).near(bound.key), "%s in line %d, on the same point %s", sentence, place(first).pos.line, p)
	}
	return yes
}
