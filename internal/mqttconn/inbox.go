package mqttconn

import (
	"sync"

	mqtt "github.com/eclipse/paho.mqtt.golang"
)

// Message is what arrived for a subscription.
type Message struct {
	Topic    string
	Payload  []byte
	Retained bool // it was published earlier and kept by the broker
	ack      func()
}

// Ack tells the broker that the message has been taken care of; until then the broker
// counts it as in flight, and gives it again to a kept session. Any goroutine may call
// it, at any time; after the connection has ended it does nothing.
func (m Message) Ack() {
	if m.ack != nil {
		m.ack()
	}
}

// inbox holds what has arrived and was not given out yet. How much that can be is the
// broker's limit on messages in flight.
type inbox struct {
	wake chan struct{} // one signal: there is something

	mu      sync.Mutex
	waiting []Message
}

// put is called by paho's reading goroutine, which must never wait.
func (b *inbox) put(m mqtt.Message) {
	b.mu.Lock()
	b.waiting = append(b.waiting, Message{Topic: m.Topic(), Payload: m.Payload(), Retained: m.Retained(), ack: m.Ack})
	b.mu.Unlock()
	select {
	case b.wake <- struct{}{}:
	default:
	}
}

func (b *inbox) take() []Message {
	b.mu.Lock()
	defer b.mu.Unlock()
	all := b.waiting
	b.waiting = nil
	return all
}

// deliver gives out messages until the connection is over. What had arrived before it was
// lost is still given out; after our own Close or Drop nothing is.
func (c *Conn) deliver(to func(Message)) {
	defer c.dispatch.Done()
	for over := false; !over; {
		select {
		case <-c.stream.dead:
			over = true
		case <-c.inbox.wake:
		}
		for _, m := range c.inbox.take() {
			if c.stream.asked.Load() {
				return
			}
			if to != nil {
				to(m)
			}
		}
	}
}
