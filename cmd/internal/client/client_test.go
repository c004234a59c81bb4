package client_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/kutse-dev/kutse/cmd/internal/client"
	"github.com/kutse-dev/kutse/deploy/dev/natsserver"
	"github.com/kutse-dev/kutse/events/request"
	"github.com/kutse-dev/kutse/schema/fault"
	"github.com/kutse-dev/kutse/schema/person"
)

// patience bounds every wait for something that has to happen.
const patience = 30 * time.Second

const subject = "req.v1.cand.c1.application.withdraw"

func start(t *testing.T) (*client.Client, *nats.Conn) {
	t.Helper()
	ns, err := natsserver.Start(t.Context(), natsserver.Options{Dir: t.TempDir(), MaxFile: 1 << 30})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = ns.Stop(context.WithoutCancel(t.Context())) })
	c, err := client.Dial(ns.URL(), "c1")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	door, err := nats.Connect(ns.URL())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(door.Close)
	return c, door
}

// answer makes a door of one line.
func answer(t *testing.T, door *nats.Conn, with func(*nats.Msg) *nats.Msg) {
	t.Helper()
	if _, err := door.Subscribe(subject, func(m *nats.Msg) {
		if r := with(m); r != nil {
			if err := m.RespondMsg(r); err != nil {
				t.Error(err)
			}
		}
	}); err != nil {
		t.Error(err)
	}
	if err := door.Flush(); err != nil {
		t.Error(err)
	}
}

func refusal(kind, message string) *nats.Msg {
	m := nats.NewMsg("")
	m.Header.Set("Nats-Service-Error-Code", kind)
	m.Header.Set("Nats-Service-Error", message)
	body, _ := json.Marshal(request.Failure{Kind: fault.Kind(kind), Message: message})
	m.Data = body
	return m
}

func TestARefusalArrivesAsItsKindAndItsWords(t *testing.T) {
	t.Parallel()
	c, door := start(t)
	var kind, message atomic.Value
	answer(t, door, func(*nats.Msg) *nats.Msg { return refusal(kind.Load().(string), message.Load().(string)) })
	for _, k := range append(fault.Kinds(), "internal") {
		kind.Store(string(k))
		message.Store("because of " + string(k))
		err := c.Ask(t.Context(), person.Candidate, "application", "withdraw", request.Nothing{}, nil)
		want := k
		if k == "internal" {
			want = "" // ours, not the person's
		}
		if fault.Of(err) != want || err == nil || err.Error() != "because of "+string(k) {
			t.Errorf("%s: %v of kind %q, want its words and %q", k, err, fault.Of(err), want)
		}
	}
}

func TestAnActIsSentAgainWithItsIdUntilTheDoorAnswers(t *testing.T) {
	t.Parallel()
	c, door := start(t)
	q := request.WithdrawApplication{Acting: client.NewID()}
	if err := c.Ask(t.Context(), person.Candidate, "application", "withdraw", q, nil); !errors.Is(err, fault.Unavailable) {
		t.Fatalf("with no door: %v, want unavailable", err)
	}
	got := make(chan error, 1)
	go func() {
		r, err := c.Act(t.Context(), person.Candidate, "application", "withdraw", q)
		if err == nil && r.Request != q.ID {
			err = errors.New("the receipt is of " + r.Request)
		}
		got <- err
	}()
	var tries atomic.Int32
	answer(t, door, func(m *nats.Msg) *nats.Msg {
		if tries.Add(1) < 3 {
			return refusal("unavailable", "not yet")
		}
		var sent request.WithdrawApplication
		if err := json.Unmarshal(m.Data, &sent); err != nil {
			t.Error(err)
		}
		body, _ := json.Marshal(request.Receipt{Request: sent.ID})
		return &nats.Msg{Data: body}
	})
	select {
	case err := <-got:
		if err != nil || tries.Load() != 3 {
			t.Errorf("%v after %d tries, want a receipt after 3", err, tries.Load())
		}
	case <-time.After(patience):
		t.Fatal("no receipt")
	}
}

func TestWhatTheDoorRefusesIsNotSentAgain(t *testing.T) {
	t.Parallel()
	c, door := start(t)
	var tries atomic.Int32
	answer(t, door, func(*nats.Msg) *nats.Msg { tries.Add(1); return refusal("conflict", "no") })
	_, err := c.Act(t.Context(), person.Candidate, "application", "withdraw", request.WithdrawApplication{Acting: client.NewID()})
	if !errors.Is(err, fault.Conflict) || tries.Load() != 1 {
		t.Errorf("%v after %d tries, want a conflict after 1", err, tries.Load())
	}
}

func TestADoorThatSaysNothingIsUnavailable(t *testing.T) {
	t.Parallel()
	c, door := start(t)
	answer(t, door, func(*nats.Msg) *nats.Msg { return nil })
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_, err := c.Act(ctx, person.Candidate, "application", "withdraw", request.WithdrawApplication{Acting: client.NewID()})
	if !errors.Is(err, fault.Unavailable) {
		t.Errorf("no answer: %v, want unavailable", err)
	}
	c.Close()
	if err := c.Ask(t.Context(), person.Candidate, "application", "withdraw", request.Nothing{}, nil); !errors.Is(err, fault.Unavailable) {
		t.Errorf("a closed connection: %v, want unavailable", err)
	}
}

func TestOneAsksOnlyUnderAnIdThatIsOne(t *testing.T) {
	t.Parallel()
	for _, uid := range []person.ID{"", "*", ">", "c1.x", "c 1", person.System, person.ID(strings.Repeat("x", 65))} {
		if _, err := client.Dial("nats://127.0.0.1:1", uid); !errors.Is(err, fault.Invalid) {
			t.Errorf("dialling as %q: %v, want invalid", uid, err)
		}
	}
	if _, err := client.Dial("nats://127.0.0.1:1", "c1"); !errors.Is(err, fault.Unavailable) {
		t.Errorf("dialling where nobody is: %v, want unavailable", err)
	}
}
