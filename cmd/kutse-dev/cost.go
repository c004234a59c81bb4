package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	enumspb "go.temporal.io/api/enums/v1"

	"github.com/kutse-dev/kutse/cmd/internal/local"
	"github.com/kutse-dev/kutse/schema/application"
	"github.com/kutse-dev/kutse/workflows"
)

// cost is what one application cost the machine.
type cost struct {
	HistoryEvents        int            `json:"history_events"`
	HistoryByType        map[string]int `json:"history_by_type"`
	WorkflowTasks        int            `json:"workflow_tasks"`
	Signals              int            `json:"signals"`
	Activities           int            `json:"activities"` // local activities
	Timers               int            `json:"timers"`
	PostgresTransactions int64          `json:"postgres_transactions"` // reads, acts and the relay's passes
	EventsPublished      int64          `json:"events_published"`
	ProcessorSeconds     float64        `json:"processor_seconds"` // this process: kutse, NATS, Temporal, the people played
	PostgresSeconds      float64        `json:"postgres_seconds"`  // processor time; 0 where the system does not tell
}

type costLine struct {
	name  string
	value any
}

func (c cost) lines() []costLine {
	lines := []costLine{
		{"history events", c.HistoryEvents},
		{"workflow tasks", c.WorkflowTasks},
		{"signals", c.Signals},
		{"local activities", c.Activities},
		{"timers", c.Timers},
		{"PostgreSQL transactions", c.PostgresTransactions},
		{"events published", c.EventsPublished},
		{"processor, this process", fmt.Sprintf("%.2f s", c.ProcessorSeconds)},
		{"processor, PostgreSQL", fmt.Sprintf("%.2f s", c.PostgresSeconds)},
	}
	var types []string
	for name := range c.HistoryByType {
		types = append(types, name)
	}
	slices.Sort(types)
	for _, name := range types {
		lines = append(lines, costLine{"  " + name, c.HistoryByType[name]})
	}
	return lines
}

// meter is what has been spent up to now.
type meter struct {
	transactions int64
	published    int64
	process      time.Duration
	postgres     time.Duration
}

// idleLooks is how many transactions a system at rest does between two looks at the
// meter: the asking itself, the relay's and the sealer's looks each second. An award
// does some hundreds.
const idleLooks = 20

// read reads the meter. PostgreSQL brings its counters up to date about every
// second when a session is idle, so it is asked until it says about the same twice.
func read(ctx context.Context, s *local.System) (meter, error) {
	m := meter{published: s.Published(), process: processTime(), postgres: postgresTime(s.Data)}
	last := int64(-1)
	for {
		n, err := s.Record.Transactions(ctx)
		if err != nil {
			return m, err
		}
		if last >= 0 && n-last <= idleLooks {
			m.transactions = n
			return m, nil
		}
		last = n
		select {
		case <-ctx.Done():
			return m, ctx.Err()
		case <-time.After(1200 * time.Millisecond):
		}
	}
}

// costOf says what was spent since before, and what the application's workflow holds.
func costOf(ctx context.Context, s *local.System, before meter, app application.ID) (cost, error) {
	c := cost{
		HistoryByType: map[string]int{}, EventsPublished: s.Published() - before.published,
		ProcessorSeconds: (processTime() - before.process).Seconds(),
		PostgresSeconds:  (postgresTime(s.Data) - before.postgres).Seconds(),
	}
	after, err := read(ctx, s)
	if err != nil {
		return c, err
	}
	c.PostgresTransactions = after.transactions - before.transactions
	history := s.System.Temporal.GetWorkflowHistory(ctx, workflows.CertificationID(app), "", false, enumspb.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
	for history.HasNext() {
		e, err := history.Next()
		if err != nil {
			return c, fmt.Errorf("reading the workflow's history: %w", err)
		}
		c.HistoryEvents++
		c.HistoryByType[strings.TrimPrefix(e.GetEventType().String(), "EVENT_TYPE_")]++
		switch e.GetEventType() {
		case enumspb.EVENT_TYPE_WORKFLOW_TASK_COMPLETED:
			c.WorkflowTasks++
		case enumspb.EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED:
			c.Signals++
		case enumspb.EVENT_TYPE_MARKER_RECORDED:
			c.Activities++
		case enumspb.EVENT_TYPE_TIMER_STARTED:
			c.Timers++
		default:
		}
	}
	return c, nil
}
