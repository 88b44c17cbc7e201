package profile

import (
	"fmt"
	"slices"
	"strings"

	"github.com/frostline/frostline/agent"
	"github.com/frostline/frostline/agent/config"
)

// demands goes through what the profile demands, in its order.
func (k *checker) demands() {
	d := &k.p.Demands
	if d.Probes != nil {
		k.probeCount(d.Probes)
	}
	if d.OnGoods != nil {
		k.onGoods(d.OnGoods)
	}
	for i := range d.Accuracy {
		k.accuracy(&d.Accuracy[i])
	}
	k.interval("measure", d.Measure, "measured")
	k.interval("record", d.Record, "every measurement is recorded:")
	k.interval("record_outside", d.RecordOutside, "in range or not, every measurement is recorded:")
	if d.Independent != nil {
		k.add("independent", d.Independent.From, NotCheckable, "no config tells whether these instruments also control the cooling")
	}
	if d.Persons != nil {
		k.persons(d.Persons)
	}
	if d.PowerFailure != nil {
		k.powerFailure(d.PowerFailure)
	}
	if d.LocalAlarm != nil {
		k.localAlarm(d.LocalAlarm)
	}
	if d.Calibration != nil {
		k.calibration(d.Calibration)
	}
	if d.Retention != nil {
		k.retention(d.Retention)
	}
	if d.NoImport != nil {
		k.add("no_import", d.NoImport.From, Met, "nothing takes readings in but the sensors")
	}
	if d.NoCorrection != nil {
		k.noCorrection(d.NoCorrection)
	}
}

func (k *checker) probeCount(d *Probes) {
	var found []string
	for _, p := range k.probes {
		if p.quantity == d.Quantity {
			found = append(found, string(p.id))
		}
	}
	demanded := d.Demanded(k.z.Volume)
	reason := fmt.Sprintf("%d demanded", demanded)
	if d.OneMore > 0 && k.z.Volume > 0 {
		reason += fmt.Sprintf(" in %s m³", k.z.Volume)
	}
	reason += fmt.Sprintf(", %d found: %s", len(found), list(found))
	v := judge(int64(len(found)) >= demanded)
	if v == Met && d.OneMore > 0 && k.z.Volume == 0 {
		v = NotCheckable
		reason += fmt.Sprintf("; enough up to %s m³, but the zone does not say its volume", d.enough(int64(len(found))))
	}
	k.add("probes", d.From, v, "%s", reason)
}

// enough is the volume in m³ up to which so many probes are enough.
func (p *Probes) enough(found int64) agent.Value {
	return p.Over + agent.Value(found-p.Count)*p.OneMore
}

func (k *checker) onGoods(d *Plain) {
	product, others := k.names(agent.Temperature, func(s *config.Sensor) string {
		if s.Role == agent.RoleProduct {
			return "has the role product"
		}
		return ""
	})
	if len(product) > 0 {
		k.add("on_goods", d.From, Met, "%s", list(product))
		return
	}
	k.add("on_goods", d.From, NotCheckable, "no thermometer has the role product; no config tells whether %s feels what the goods feel", list(others))
}

func (k *checker) accuracy(a *Accuracy) {
	text := fmt.Sprintf("%s within ±%s %s", a.Quantity, a.Within, a.Quantity.Unit())
	if a.Lowest != nil && a.Highest != nil {
		text += fmt.Sprintf(" from %s to %s %s", a.Lowest, a.Highest, a.Quantity.Unit())
	}
	if a.Resolution > 0 {
		text += fmt.Sprintf(", resolution %s %s", a.Resolution, a.Quantity.Unit())
	}
	k.add("accuracy", a.From, NotCheckable, "%s: %s", text, k.certificates(a.Quantity))
}

// certificates says which certificates the config names.
func (k *checker) certificates(quantities ...agent.Quantity) string {
	var has, lacks []string
	for _, q := range quantities {
		h, l := k.names(q, func(s *config.Sensor) string { return s.Certificate })
		has, lacks = append(has, h...), append(lacks, l...)
	}
	has, lacks = unique(has), unique(lacks)
	switch {
	case len(has)+len(lacks) == 0:
		return "no instrument measures it"
	case len(has) == 0:
		return "no certificate is named for " + list(lacks)
	case len(lacks) == 0:
		return "certificates named: " + list(has)
	}
	return "certificates named: " + list(has) + "; none for " + list(lacks)
}

func unique(words []string) []string {
	slices.Sort(words)
	return slices.Compact(words)
}

func (k *checker) interval(demand string, d *Interval, what string) {
	if d == nil {
		return
	}
	every, sensor := k.slowest()
	if sensor == "" {
		k.add(demand, d.From, NotMet, "nothing is measured")
		return
	}
	met := every <= d.AtMost
	sign := "≤"
	if !met {
		sign = ">"
	}
	k.add(demand, d.From, judge(met), "%s every %s %s %s (%s)", what, config.Duration(every), sign, config.Duration(d.AtMost), sensor)
}

func (k *checker) persons(d *Count) {
	var told []string
	if k.site.People != nil {
		told = k.site.People.Told(k.z.ID)
	}
	found := "nobody is named"
	if len(told) > 0 {
		found = fmt.Sprintf("%d told: %s", len(told), list(told))
	}
	k.add("persons", d.From, judge(int64(len(told)) >= d.AtLeast), "%d demanded, %s", d.AtLeast, found)
}

// powerFailure looks for an alarm that sounds when a mains input falls.
func (k *checker) powerFailure(d *Plain) {
	inputs := map[agent.PointID]bool{}
	for i := range k.c.Sensors {
		for _, p := range k.c.Sensors[i].Points {
			if p.Quantity == agent.PowerOK {
				inputs[k.c.Sensors[i].ID.Point(p.Name)] = true
			}
		}
	}
	var alarms []string
	for i := range k.c.Alarms {
		a := &k.c.Alarms[i]
		falls := strings.HasPrefix(a.Kind, "power") || a.Kind == "limit" && strings.Contains(config.Words(a.Settings), "below")
		if falls && slices.ContainsFunc(a.Points, func(p agent.PointID) bool { return inputs[p] }) {
			alarms = append(alarms, string(a.ID))
		}
	}
	switch {
	case len(alarms) > 0:
		k.add("power_failure", d.From, Met, "alarms: %s", list(alarms))
	case len(inputs) == 0:
		k.add("power_failure", d.From, NotMet, "no sensor measures power_ok")
	default:
		k.add("power_failure", d.From, NotMet, "power_ok is measured, and no alarm watches it")
	}
}

func (k *checker) localAlarm(d *Plain) {
	var found []string
	for i := range k.c.Outputs {
		if o := &k.c.Outputs[i]; slices.Contains(k.site.Local, o.Driver) {
			found = append(found, o.ID)
		}
	}
	reason := "outputs on the spot: " + list(found)
	k.add("local_alarm", d.From, judge(len(found) > 0), "%s", reason)
}

// calibration is met while every probe's calibration is valid, and for no longer from now on
// than it may be.
func (k *checker) calibration(d *Interval) {
	var valid, late, far, unsaid []string
	for _, p := range k.probes {
		due := p.sensor.CalibrationDue
		text := fmt.Sprintf("%s until %s", p.sensor.ID, due)
		switch {
		case due == "":
			unsaid = append(unsaid, string(p.sensor.ID))
		case k.site.Today.IsZero():
			valid = append(valid, text)
		case due.Time().Before(k.site.Today):
			late = append(late, text)
		case due.Time().Sub(k.site.Today) > d.AtMost:
			far = append(far, text)
		default:
			valid = append(valid, text)
		}
	}
	every := "every " + config.Duration(d.AtMost)
	switch {
	case len(late) > 0:
		k.add("calibration", d.From, NotMet, "%s; was valid: %s", every, list(unique(late)))
	case len(far) > 0:
		k.add("calibration", d.From, NotMet, "%s; is said to be valid for longer: %s", every, list(unique(far)))
	case len(unsaid) > 0 || len(valid) == 0:
		k.add("calibration", d.From, NotCheckable, "%s; calibration_due is not named for %s; %s", every, list(unique(unsaid)), k.certificates(k.quantities()...))
	default:
		k.add("calibration", d.From, judge(true), "%s; valid: %s", every, list(unique(valid)))
	}
}

// retention is met by what is kept here, or by an archive that gets all of it.
func (k *checker) retention(d *Retention) {
	keep := k.site.Keep
	reason := fmt.Sprintf("%s demanded, keep lasts %s", config.Duration(d.AtLeast), days(keep))
	if keep.Lasts >= d.AtLeast {
		k.add("retention", d.From, Met, "%s", reason)
		return
	}
	var archives []string
	for i := range k.c.Upstreams {
		if u := &k.c.Upstreams[i]; u.Archive && takes(u, k.z.ID) {
			archives = append(archives, string(u.ID))
		}
	}
	if len(archives) > 0 {
		k.add("retention", d.From, Met, "%s; archive: %s", reason, list(archives))
		return
	}
	k.add("retention", d.From, NotMet, "%s (keep.%s), and no upstream that takes all of this zone is archive: true", reason, keep.By)
}

// takes reports whether an upstream gets every record of a zone.
func takes(u *config.Upstream, zone agent.ZoneID) bool {
	if len(u.Only.Zones) > 0 && !slices.Contains(u.Only.Zones, zone) {
		return false
	}
	for _, kind := range []agent.Kind{agent.KindReadings, agent.KindAlarms} {
		if len(u.Only.Kinds) > 0 && !slices.Contains(u.Only.Kinds, kind) {
			return false
		}
	}
	return true
}

func days(e config.Estimate) string {
	const day = 24 * 60 * 60
	if seconds := int64(e.Lasts.Seconds()); seconds >= 2*day {
		return fmt.Sprintf("%dd", seconds/day)
	}
	return fmt.Sprintf("%.0fh", e.Lasts.Hours())
}

func (k *checker) noCorrection(d *Plain) {
	var corrected []string
	for _, p := range k.probes {
		for name, c := range p.sensor.Calibration {
			if p.sensor.ID.Point(name) == p.id && c.Offset != 0 {
				corrected = append(corrected, fmt.Sprintf("%s adds %s", p.id, c.Offset))
			}
		}
	}
	if len(corrected) > 0 {
		k.add("no_correction", d.From, NotMet, "%s; the raw values are recorded beside", list(corrected))
		return
	}
	k.add("no_correction", d.From, Met, "nothing is added to what is measured, and no record is ever changed")
}
