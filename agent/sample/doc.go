// Package sample reads sensors on their schedule and runs scanners.
//
// Each sensor has a lane: a goroutine of its own that waits for the sensor's tick, reads
// it within a deadline, and hands on one reading per point: a value, or the fault that
// took its place. A measurement that was due and did not happen is a reading too
// (agent.FaultMissed). Lanes share one time base, so that sensors with one interval are
// read on one tick and their readings share a commit; the first tick is at the start.
//
// Schedules follow the agent's clock. Deadlines are real time: a bus hangs in real time
// whatever speed a demo runs at.
package sample
