package postgres

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/lib/pq"

	"github.com/kutse-dev/kutse/events"
	"github.com/kutse-dev/kutse/events/request"
	"github.com/kutse-dev/kutse/schema/assessment"
	"github.com/kutse-dev/kutse/schema/catalogue"
	"github.com/kutse-dev/kutse/schema/person"
)

var (
	trailOfCase = statement(`
SELECT at, id, actor, role, act, records FROM audit
 WHERE (application, at, id) > ($1::uuid, $2, $3::uuid) AND application <= $1::uuid AND application IS NOT NULL AND at >= $2
 ORDER BY application, at, id LIMIT $4`)
	outcomesOf = statement(`SELECT id, competence || '/' || ordinal AS indicator, outcome FROM verdict WHERE id = ANY ($1::uuid[])`)
)

// timelinePage is how many acts a page of a timeline has.
const timelinePage = 100

// Timeline reads what happened in one case, every act in the order in which it was
// recorded: in words, by whom, what it recorded, and where it stands in the log. No
// text that a person wrote is in it; those are read with the case.
func (s *Store) Timeline(ctx context.Context, a Actor, req request.OfCase) (request.Timeline, error) {
	out := request.Timeline{Application: req.Application, Entries: []request.TimelineEntry{}}
	after := beginning
	if req.After != "" {
		var err error
		if after, err = parsePlace(req.After); err != nil {
			return out, err
		}
	}
	err := s.readRecorded(ctx, a, func(t tx) error {
		app, err := t.visible(ctx, a, req.Application)
		if err != nil {
			return err
		}
		if err := t.reading(ctx, a, "get.timeline", req.Purpose, person.ID(app.Candidate), app.ID); err != nil {
			return err
		}
		if app.OpenedAt.After(after.At) { // nothing is before, so months before need not be looked at
			after = place{app.OpenedAt, beginning.ID}
		}
		if _, err := t.ExecContext(ctx, onePlan); err != nil {
			return err
		}
		rows, err := t.leaves(ctx, trailOfCase, app.ID, after.At, after.ID, timelinePage)
		if err != nil {
			return err
		}
		if len(rows) == timelinePage {
			out.Next = rows[timelinePage-1].place().String()
		}
		out.Entries, err = t.entries(ctx, rows)
		return err
	})
	return out, err
}

func (t tx) entries(ctx context.Context, rows []leafRow) ([]request.TimelineEntry, error) {
	facts, err := t.factsOf(ctx, rows)
	if err != nil {
		return nil, err
	}
	outcomes, err := t.outcomesOf(ctx, rows)
	if err != nil {
		return nil, err
	}
	ids := make([]string, len(rows))
	for i, r := range rows {
		ids[i] = r.ID
	}
	sealed, err := t.sealed(ctx, ids)
	if err != nil {
		return nil, err
	}
	list := make([]request.TimelineEntry, len(rows))
	for i, r := range rows {
		var words []string
		for _, id := range r.named("verdict") {
			words = append(words, outcomes[id])
		}
		for _, id := range r.named("event") {
			if said := inWords(facts[id]); said != "" {
				words = append(words, said)
			}
		}
		if len(words) == 0 {
			words = []string{actInWords(r.Act)}
		}
		list[i] = request.TimelineEntry{
			At: r.At.UTC(), Act: r.Act, Actor: r.Actor, Role: r.Role, What: strings.Join(words, "; "),
			Audit: r.ID, Records: r.named(""), Sealed: sealed[r.ID],
		}
	}
	return list, nil
}

// factsOf reads the facts that acts recorded, by id. One that cannot be read is left
// out: it is for `kutse audit check` to say so, and the rest of the case is there.
func (t tx) factsOf(ctx context.Context, rows []leafRow) (map[string]events.Event, error) {
	bodies, err := t.recordedEvents(ctx, rows)
	if err != nil {
		return nil, err
	}
	facts := make(map[string]events.Event, len(bodies))
	for id, body := range bodies {
		if _, e, err := events.Open([]byte(body)); err == nil {
			facts[id] = e
		}
	}
	return facts, nil
}

// outcomesOf says of each verdict what was found: the fact does not say it.
func (t tx) outcomesOf(ctx context.Context, rows []leafRow) (map[string]string, error) {
	var ids []string
	for _, r := range rows {
		ids = append(ids, r.named("verdict")...)
	}
	var verdicts []struct {
		ID, Indicator string
		Outcome       assessment.Outcome
	}
	if err := t.SelectContext(ctx, &verdicts, outcomesOf, pq.Array(ids)); err != nil {
		return nil, fmt.Errorf("reading verdicts: %w", err)
	}
	said := make(map[string]string, len(verdicts))
	for _, v := range verdicts {
		said[v.ID] = v.Indicator + " " + strings.ReplaceAll(string(v.Outcome), "_", " ")
	}
	return said, nil
}

// inWords says a fact in the words of the glossary; "" for one that says nothing
// which the verdicts beside it do not say.
func inWords(e events.Event) string {
	switch e := e.(type) {
	case events.ApplicationOpened:
		return "application opened, standard and procedure pinned"
	case events.ApplicationWithdrawn:
		return "application withdrawn"
	case events.EvidenceSubmitted:
		return fmt.Sprintf("evidence put forward, a %s for %s", e.Kind, list(e.Indicators, catalogue.IndicatorID.String))
	case events.CompetencesHandedIn:
		return "handed in: " + list(e.Rounds, func(r events.Round) string { return fmt.Sprintf("%s, round %d", r.Competence, r.Number) })
	case events.TasksOpened:
		return "tasks opened: " + list(e.Tasks, func(t events.Task) string { return t.Competence + ", due " + t.DueAt.UTC().Format(time.DateOnly) })
	case events.TaskClaimed:
		return "task claimed until " + e.LeaseUntil.UTC().Format(time.RFC3339)
	case events.TaskReleased:
		return "task released"
	case events.RoundClosed:
		return fmt.Sprintf("round %d of %s closed", e.Round.Number, e.Round.Competence)
	case events.CompetencesWeighed:
		return "weighed: " + list(e.Findings, findingInWords)
	case events.AssessmentOverdue:
		return fmt.Sprintf("%d tasks overdue", len(e.Tasks))
	case events.AwardProposed:
		return fmt.Sprintf("proposed to the committee: %s, due %s", e.Outcome, e.DueAt.UTC().Format(time.DateOnly))
	case events.AwardDecided:
		return decisionInWords(e)
	case events.DecisionOverdue:
		return "decision overdue"
	case events.QualificationRegistered:
		return fmt.Sprintf("register entry %s, valid %s to %s", e.Number, e.ValidFrom, e.ValidTo)
	}
	return ""
}

func decisionInWords(e events.AwardDecided) string {
	if len(e.Returned) > 0 {
		return fmt.Sprintf("decided: %s of %s", e.Outcome, strings.Join(e.Returned, ", "))
	}
	return fmt.Sprintf("decided: %s", e.Outcome)
}

func findingInWords(f events.Finding) string {
	if f.Met {
		return f.Competence + " met"
	}
	return fmt.Sprintf("%s open at %s", f.Competence, list(f.Open, catalogue.IndicatorID.String))
}

// actInWords says an act that leaves no fact.
func actInWords(act string) string {
	switch act {
	case "audit-finding.file":
		return "audit finding filed"
	case "casefile.make":
		return "case file made"
	}
	return act
}

func list[T any](all []T, text func(T) string) string {
	texts := make([]string, len(all))
	for i, one := range all {
		texts[i] = text(one)
	}
	return strings.Join(texts, ", ")
}
