package main

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
)

// scenario is the emulated hardware of every life: a cold room whose door opens and whose
// scanner speaks in the first second, and again every three.
const scenario = `
name: crash
title: A cold room in a hurry
clock: "08:00"
repeat: 3s
outside: {mean: 20, swing: 5, humidity: 60}
zones:
  - id: room
    name: Room
    around: outside
    start: 5
    humidity: 60
    volume: 20
    air: 120
    product: 600
    coupling: 180
    walls: 20
    door: 400
    fans: 180
    leak: 0.3
    cooling: {power: 2100, cop: 2.2, setpoint: 5, band: 1}
chips:
  - {id: air, chip: sht4x, bus: i2c-1, address: 0x44, zone: room}
  - {id: return, chip: bme280, bus: i2c-1, address: 0x76, zone: room, place: return}
  - {id: product, chip: ds18b20, bus: w1, serial: 0316a2791a01, zone: room, place: product}
lines:
  - {pin: GPIO17, of: door, zone: room}
serial:
  - {port: /dev/ttyACM0}
script:
  - {at: 200ms, for: 400ms, do: door-open, on: room}
  - {at: 350ms, do: code-scanned, on: /dev/ttyACM0, code: "04006381333931"}
  - {at: 700ms, for: 1s, do: unplugged, on: air}
  - {at: 900ms, do: code-scanned, on: /dev/ttyACM0, code: "unknown-1"}
  - {at: 1500ms, for: 500ms, do: door-open, on: room}
`

// settings is the agent's config. The synthetic temperatures lie between 0 and 8 °C, so
// that some of them cross each limit at every reading, up and down.
const settings = `
site: lab
gateway: crash
store: {dir: %[1]s/store, commit_within: %[2]s}
zones:
  - {id: room, name: Room}
  - {id: load, name: Load}
buses:
  i2c-1: {driver: emulated, scenario: %[1]s/scenario.yaml, seed: %[3]d}
  w1: {driver: emulated, scenario: %[1]s/scenario.yaml, seed: %[3]d}
  GPIO17: {driver: emulated, scenario: %[1]s/scenario.yaml, seed: %[3]d}
  /dev/ttyACM0: {driver: emulated, scenario: %[1]s/scenario.yaml, seed: %[3]d}
sensors:
  - {id: room-air, driver: sht4x, bus: i2c-1, address: 0x44, every: 100ms, zone: room, role: air}
  - {id: room-return, driver: bmxx80, chip: bme280, bus: i2c-1, address: 0x76, every: 200ms, zone: room, role: return}
  - {id: room-product, driver: ds18b20, bus: w1, address: 28-0316a2791a01, every: 1s, zone: room, role: product}
  - {id: room-door, driver: digital, pin: GPIO17, quantity: door, every: 1s, zone: room}
  - {id: fast, driver: synthetic, points: 60, seed: %[3]d, fault_rate: 0.01, every: 100ms, zone: load}
  - {id: slow, driver: synthetic, points: 20, seed: %[4]d, every: 300ms, zone: load}
  - {id: dead, driver: synthetic, points: 1, fault_rate: 1, every: 200ms, zone: load}
scanners:
  - {id: hand, driver: barcode, device: /dev/ttyACM0, zone: room, direction: in}
stock:
  items:
    - {id: box, codes: ["04006381333931"], minimum: 3, zone: room}
  repeat: 100ms
alarms:
  - {id: high, zone: load, quantity: temperature, above: 5.0, severity: critical}
  - {id: low, zone: load, quantity: temperature, below: 3.0, for: 250ms, deadband: 0.03, severity: warning}
  - {id: long, zone: load, quantity: temperature, at_or_above: 4.5, total: 2s, within: 24h, severity: info}
  - {id: faults, kind: sensor-fault, zone: load, after: 500ms}
upstreams:
  - {id: far, driver: mqtt, url: "mqtt://%[5]s", encoding: %[6]s, batch: {linger: %[2]s}}
web: {listen: "off"}
log: {level: warn}
`

// configure writes the config of one life and returns its path. Seeds, and how long a
// commit and a batch wait for company, differ from life to life; the encoding does not.
func configure(dir, broker, encoding string, random *rand.Rand) (string, error) {
	within := []string{"20ms", "100ms", "300ms", "1s"}[random.IntN(4)]
	text := fmt.Sprintf(settings, dir, within, random.IntN(1_000_000), random.IntN(1_000_000), broker, encoding)
	path := filepath.Join(dir, "frostline.yaml")
	if err := os.WriteFile(path, []byte(strings.TrimPrefix(text, "\n")), 0o600); err != nil {
		return "", fmt.Errorf("crash: %w", err)
	}
	return path, nil
}
