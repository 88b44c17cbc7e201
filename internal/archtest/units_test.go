package archtest

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/coreos/go-systemd/v22/unit"
)

// serviceUnit is a parsed unit: what each key of a section was set to, in order.
type serviceUnit map[string][]string

func readUnit(t *testing.T, rel string) serviceUnit {
	t.Helper()
	f, err := os.Open(filepath.Join(repository(t).root, rel))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	options, err := unit.Deserialize(f)
	if err != nil {
		t.Fatalf("%s: %v", rel, err)
	}
	u := serviceUnit{}
	for _, o := range options {
		key := o.Section + "." + o.Name
		u[key] = append(u[key], o.Value)
	}
	return u
}

// wants checks that a key was set to this value, alone or among others.
func (u serviceUnit) wants(t *testing.T, rel, key, value, why string) {
	t.Helper()
	if !slices.Contains(u[key], value) {
		t.Errorf("%s: %s is %q, want %q: %s", rel, key, u[key], value, why)
	}
}

func TestUnitsKeepTheirPromises(t *testing.T) {
	both := []struct{ key, value, why string }{
		{"Service.Type", "notify", "it is up when it says so"},
		{"Service.User", "frostline", "no root"},
		{"Service.Group", "frostline", "no root"},
		{"Service.Restart", "on-failure", "it heals alone"},
		{"Service.RestartPreventExitStatus", "2", "a wrong config is not tried again and again"},
		{"Service.Environment", "GOTRACEBACK=crash", "a panic must not end with exit code 2, which is never restarted"},
		{"Unit.StartLimitIntervalSec", "0", "it is never given up"},
		{"Service.CapabilityBoundingSet", "", "no capability"},
		{"Service.NoNewPrivileges", "yes", "no capability is got later either"},
		{"Service.ProtectSystem", "strict", "it writes to its state directory only"},
		{"Service.ProtectHome", "yes", "homes are none of its business"},
		{"Service.PrivateTmp", "yes", "nobody shares its temporary files"},
		{"Service.MemoryDenyWriteExecute", "yes", "it makes no code"},
		{"Service.RestrictAddressFamilies", "AF_INET AF_INET6 AF_UNIX AF_NETLINK", "no raw or exotic sockets"},
		{"Service.SystemCallFilter", "@system-service", "an allow list"},
		{"Service.SystemCallFilter", "@chown adjtimex clock_adjtime clock_adjtime64", "asking whether the clock is synchronized"},
		{"Service.LimitCORE", "0", "a core file would hold secrets"},
	}
	for _, rel := range []string{"systemd/frostline.service", "systemd/frostline-receive.service"} {
		u := readUnit(t, rel)
		for _, w := range both {
			u.wants(t, rel, w.key, w.value, w.why)
		}
		for _, forbidden := range []struct{ key, why string }{
			{"Service.ProtectClock", "it forbids adjtimex, and the clock would never count as synchronized"},
			{"Service.ProcSubset", "pid hides /proc/sys/kernel/random/boot_id"},
			{"Service.PrivateUsers", "the control socket would see every peer as nobody"},
			{"Service.DynamicUser", "the control socket belongs to a group that people are members of"},
		} {
			if len(u[forbidden.key]) > 0 {
				t.Errorf("%s sets %s: %s", rel, forbidden.key, forbidden.why)
			}
		}
		if after := strings.Join(u["Unit.After"], " "); strings.Contains(after, "network-online") || strings.Contains(after, "time-sync") {
			t.Errorf("%s waits for the network (After=%s): measuring and alarms need none", rel, after)
		}
	}
}

func TestAgentUnit(t *testing.T) {
	const rel = "systemd/frostline.service"
	u := readUnit(t, rel)
	u.wants(t, rel, "Service.WatchdogSec", "60", "a hung agent is restarted")
	u.wants(t, rel, "Service.ExecReload", "/bin/kill -HUP $MAINPID", "SIGHUP re-reads the config")
	u.wants(t, rel, "Service.StateDirectory", "frostline", "store.dir is /var/lib/frostline")
	u.wants(t, rel, "Service.DevicePolicy", "closed", "devices by list")
	u.wants(t, rel, "Service.SupplementaryGroups", "i2c spi gpio dialout input", "device access by group")
	for _, kind := range []string{"i2c", "spi", "gpiochip", "ttyUSB", "ttyACM", "ttyAMA", "ttyS", "hidraw", "input"} {
		u.wants(t, rel, "Service.DeviceAllow", "char-"+kind+" rw", "drivers open it")
	}
	if len(u["Service.PrivateDevices"]) > 0 {
		t.Errorf("%s sets PrivateDevices: it hides the sensors", rel)
	}
	groups := repository(t).read(t, "systemd/frostline.sysusers")
	for _, g := range strings.Fields(u["Service.SupplementaryGroups"][0]) {
		if !regexp.MustCompile(`(?m)^g ` + g + `\s`).MatchString(groups) {
			t.Errorf("systemd/frostline.sysusers does not create the group %s: the unit would not start without it", g)
		}
	}
}

func TestPackageInstallsEveryUnitFile(t *testing.T) {
	r := repository(t)
	manifest := r.read(t, ".ci/nfpm.yaml")
	for _, f := range r.files {
		if under(f, "systemd") && !strings.Contains(manifest, f) {
			t.Errorf(".ci/nfpm.yaml does not install %s", f)
		}
	}
}
