package health

import (
	"sort"

	"github.com/frostline/frostline/agent"
)

//go:generate go test . -run TestConditionsPageIsFresh -update

// Condition is one kind of trouble the agent can be in.
type Condition struct {
	Code     string // stable: scripts and dashboards rely on it
	Severity agent.Severity
	Title    string // a sentence
	Remedy   string // what to do
}

// Conditions lists every declared condition by code.
func Conditions() []Condition {
	all := make([]Condition, 0, len(conditions))
	for _, c := range conditions {
		all = append(all, c)
	}
	sort.Slice(all, func(i, j int) bool { return all[i].Code < all[j].Code })
	return all
}

var conditions = func() map[string]Condition {
	m := map[string]Condition{}
	for _, c := range []Condition{
		// Sensors and buses.
		{"sensor-failing", agent.SeverityWarning, "A sensor gives no values.", "Check its wiring and power. The reading's fault says what the gateway saw; `frostline tail` shows each attempt."},
		{"scanner-failing", agent.SeverityWarning, "A scanner or tag reader does not answer.", "Check its cable and the device path. It is opened again by itself."},
		{"bus-stuck", agent.SeverityCritical, "A bus hangs: a transaction has not returned from the kernel.", "Unplug the devices of this bus one by one; the bus is tried again by itself. If it stays stuck, restart the gateway."},
		{"lane-late", agent.SeverityWarning, "Sampling is behind its schedule.", "Give the sensors of this bus a longer `every:`, or spread them over more buses."},
		// The store.
		{"store-full", agent.SeverityCritical, "The disk is full: records stay in memory.", "Free space on the disk of store.dir, or lower keep.bytes or raise keep.free. Alarms go on."},
		{"store-failing", agent.SeverityCritical, "The disk refuses writes: records stay in memory.", "Check the disk or card (dmesg, read-only mount) and replace it. Alarms go on; the newest records are committed once it accepts writes."},
		{"store-hanging", agent.SeverityCritical, "The disk does not answer: records stay in memory.", "Check the disk or card (dmesg) and replace it. Alarms go on; the newest records are committed once it answers."},
		{"store-damaged", agent.SeverityCritical, "The store was damaged and set aside; a new one was begun.", "Keep the set-aside file. Readable records are salvaged in the background; `frostline store check` tells how far. Replace the card if it happens again."},
		{"store-newer", agent.SeverityCritical, "The store was written by a newer version and set aside unread.", "Install the newer version again, or keep the set-aside file for it. Nothing in it was changed."},
		{"store-dropping", agent.SeverityWarning, "Records that no upstream has taken are being removed to stay inside keep.", "Restore the upstream, or give the store more room (keep.bytes, keep.free). What was removed is a gap record."},
		// The clock.
		{"clock-unset", agent.SeverityWarning, "The clock is wrong (before the newest record or the build date).", "Connect a network with NTP, or run `frostline clock set`. Records are kept and dated then."},
		{"clock-held", agent.SeverityInfo, "Nobody has confirmed the clock since the start.", "Connect a network with NTP, or run `frostline clock set`. Records are delivered marked \"clock\":\"held\" unless clock.trust says otherwise."},
		// Upstreams.
		{"upstream-unreachable", agent.SeverityWarning, "An upstream cannot be reached.", "Check the network and the url. Records wait in the store and are delivered in order once it is back."},
		{"upstream-login", agent.SeverityCritical, "An upstream refuses the login.", "Check user, password, token or client certificate. Records wait in the store."},
		{"upstream-denied", agent.SeverityCritical, "An upstream denies this gateway its topics or bucket.", "Check the ACL or the token's permissions. Records wait in the store."},
		{"upstream-missing", agent.SeverityCritical, "An upstream does not know the bucket or organization.", "Create the bucket, or correct org and bucket. Records wait in the store."},
		{"upstream-tls", agent.SeverityCritical, "An upstream's certificate or ours is not accepted.", "Check the CA, the host name, the expiry dates and this gateway's clock. Records wait in the store."},
		{"upstream-unacknowledged", agent.SeverityWarning, "An upstream takes records and does not acknowledge them.", "Check the broker or server for overload. The connection is renewed and the records are sent again."},
		{"upstream-not-seen", agent.SeverityCritical, "An upstream accepts records that then cannot be seen: accepted but not seen.", "Allow this gateway to publish and to subscribe to its own topics in the broker's ACL, or set `echo: off` where the broker forbids it."},
		{"upstream-busy", agent.SeverityWarning, "An upstream asks to wait (429 or 503).", "Nothing, if it is rare. Otherwise give the server more room or send larger batches less often."},
		{"upstream-rejected", agent.SeverityWarning, "An upstream rejected records; they are set aside.", "See `frostline store stat` and the upstream's reason. `frostline store requeue` sends them again."},
		{"upstream-budget", agent.SeverityWarning, "An upstream's byte limit is used up.", "Routine records wait for the next period; alarms may use the last tenth. Raise limit.bytes if it happens often."},
		{"upstream-config", agent.SeverityCritical, "An upstream cannot work with its settings.", "The detail says which setting; correct it and reload."},
		// Announcing.
		{"output-failing", agent.SeverityWarning, "A local output or webhook does not work.", "Check its wiring or address; `frostline status` names it. Alarms are tried again."},
		// The agent itself.
		{"page-failing", agent.SeverityWarning, "The health page and the metrics cannot be served.", "Another program has the address of web.listen: choose another port, or `off`. It is tried again every 10 s."},
		{"config-refused", agent.SeverityWarning, "A changed config was refused; the old one is in force.", "Run `frostline check -c FILE` and correct what it names, then reload."},
	} {
		m[c.Code] = c
	}
	return m
}()
