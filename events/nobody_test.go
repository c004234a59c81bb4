package events_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/kutse-dev/kutse/events"
	"github.com/kutse-dev/kutse/schema/fault"
)

func TestAFactOfNobodyIsInvalid(t *testing.T) {
	t.Parallel()
	for _, e := range events.All() {
		for _, data := range []string{"null", "{}", " {} ", ""} {
			env, err := events.Wrap(id, filled(e), at, 1, cause)
			if err != nil {
				t.Fatal(err)
			}
			env.Data = json.RawMessage(data)
			if data == "" {
				env.Data = nil // written as null
			}
			body, err := json.Marshal(env)
			if err != nil {
				t.Fatal(err)
			}
			if _, got, err := events.Open(body); !errors.Is(err, fault.Invalid) || got != nil {
				t.Errorf("%s with data %q: %+v, %v; want invalid", e.Type(), data, got, err)
			}
		}
	}
}

func TestAFactOfAnApplicationNamesItsCandidateToo(t *testing.T) {
	t.Parallel()
	for name, about := range map[string]events.About{
		"no candidate":   {Application: "018f3c2e-0000-7000-8000-000000000001"},
		"no application": {Candidate: "c1"},
	} {
		env, err := events.Wrap(id, events.ApplicationWithdrawn{About: about}, at, 1, cause)
		if err != nil {
			t.Fatal(err)
		}
		body, err := json.Marshal(env)
		if err != nil {
			t.Fatal(err)
		}
		if _, _, err := events.Open(body); !errors.Is(err, fault.Invalid) {
			t.Errorf("%s: %v, want invalid", name, err)
		}
	}
}

func TestAKeyNamesOne(t *testing.T) {
	t.Parallel()
	for name, data := range map[string]string{
		"an assessor beside the case":  `{"application":"a","candidate":"c","assessor":"x"}`,
		"a log of no year":             `{"origin":"o","year":0,"size":1,"root":"` + strings.Repeat("0", 64) + `","signed":"s"}`,
		"a log of a year before years": `{"origin":"o","year":-1,"size":1,"root":"` + strings.Repeat("0", 64) + `","signed":"s"}`,
		"a person without an id":       `{"person":"","ground":"request"}`,
	} {
		for _, e := range []events.Event{events.ApplicationWithdrawn{}, events.PersonErased{}, events.CheckpointSigned{}} {
			env, err := events.Wrap(id, filled(e), at, 0, cause)
			if err != nil {
				t.Fatal(err)
			}
			env.Data = json.RawMessage(data)
			body, err := json.Marshal(env)
			if err != nil {
				t.Fatal(err)
			}
			if _, got, err := events.Open(body); !errors.Is(err, fault.Invalid) || got != nil {
				t.Errorf("%s as %s: %+v, %v; want invalid", name, e.Type(), got, err)
			}
		}
	}
}
