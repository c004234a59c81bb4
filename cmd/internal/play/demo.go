package play

import (
	"context"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/kutse-dev/kutse/cmd/internal/client"
	"github.com/kutse-dev/kutse/events/request"
	"github.com/kutse-dev/kutse/schema/application"
	"github.com/kutse-dev/kutse/schema/award"
	"github.com/kutse-dev/kutse/schema/catalogue"
	"github.com/kutse-dev/kutse/schema/fault"
	"github.com/kutse-dev/kutse/schema/person"
)

// Stage is one part of the story and how long it took.
type Stage struct {
	Stage   string  `json:"stage"`
	Seconds float64 `json:"seconds"`
}

// Played is how one application went.
type Played struct {
	Case   request.Case
	Stages []Stage
}

// One plays one application for a standard from its opening to the register, as
// the demonstration's people. What is there already from an earlier start that was
// cut off, it goes on with.
func One(ctx context.Context, url string, std *catalogue.Standard, said func(who person.ID, what string)) (Played, error) {
	cand, err := client.Dial(url, Candidate)
	if err != nil {
		return Played{}, err
	}
	defer cand.Close()
	member, err := client.Dial(url, Member)
	if err != nil {
		return Played{}, err
	}
	defer member.Close()

	group, ctx := errgroup.WithContext(ctx)
	working, stop := context.WithCancel(ctx)
	defer stop()
	for _, id := range Assessors() {
		c, err := client.Dial(url, id)
		if err != nil {
			return Played{}, err
		}
		defer c.Close()
		group.Go(func() error { return (&Assessor{Client: c, Said: said}).Work(working) })
	}
	var played Played
	group.Go(func() error {
		defer stop()
		return (&story{member: member, played: &played}).run(ctx, cand, std, said)
	})
	err = group.Wait()
	return played, err
}

type story struct {
	*Case
	member *client.Client
	played *Played
	spent  map[string]time.Duration
	order  []string
}

// took adds the time since began to a stage.
func (s *story) took(stage string, began time.Time) {
	if _, known := s.spent[stage]; !known {
		s.order = append(s.order, stage)
	}
	s.spent[stage] += time.Since(began)
}

func (s *story) run(ctx context.Context, cand *client.Client, std *catalogue.Standard, said func(person.ID, string)) (err error) {
	s.spent = map[string]time.Duration{}
	began := time.Now()
	if s.Case, err = findOrOpen(ctx, cand, std, said); err != nil {
		return err
	}
	s.WithFiles = true
	s.took("application opened", began)
	if err := s.gather(ctx); err != nil {
		return err
	}
	if err := s.decide(ctx); err != nil {
		return err
	}
	for _, stage := range s.order {
		s.played.Stages = append(s.played.Stages, Stage{stage, s.spent[stage].Seconds()})
	}
	return nil
}

// findOrOpen goes on with the candidate's open application, if there is one.
func findOrOpen(ctx context.Context, cand *client.Client, std *catalogue.Standard, said func(person.ID, string)) (*Case, error) {
	var list request.Applications
	if err := cand.Read(ctx, person.Candidate, "application", "list", request.Nothing{}, &list); err != nil {
		return nil, err
	}
	for _, line := range list.Applications {
		if line.Standard == std.Key && !line.State.Ended() {
			return Resume(cand, std, line.Application, said)
		}
	}
	return Open(ctx, cand, std, said)
}

// gather puts evidence forward and hands in, competence by competence, waiting for
// each to be weighed.
func (s *story) gather(ctx context.Context) error {
	now, err := s.Await(ctx, func(request.Case) bool { return true })
	if err != nil || now.State != application.Gathering && now.State != application.Assessing {
		return err
	}
	for _, code := range s.Standard.Recurring() {
		if err := s.support(ctx, now, code); err != nil {
			return err
		}
	}
	for _, code := range Slots(s.Standard) {
		if err := s.one(ctx, now, code); err != nil {
			return err
		}
	}
	return nil
}

// one takes one competence from evidence to its finding.
func (s *story) one(ctx context.Context, now request.Case, code string) error {
	if c := competence(now, code); c.Met {
		return nil
	} else if !c.UnderAssessment {
		if err := s.support(ctx, now, code); err != nil {
			return err
		}
		if err := s.HandIn(ctx, code); err != nil {
			return err
		}
		s.say("handed in %s", code)
	}
	began := time.Now()
	met, err := s.AwaitWeighed(ctx, code)
	if err != nil {
		return err
	}
	s.took("assessment", began)
	if !met {
		return fault.Conflict.New("%s came back as not yet shown", code)
	}
	s.say("%s is met", code)
	return nil
}

// support puts evidence forward for the indicators that have none yet.
func (s *story) support(ctx context.Context, now request.Case, code string) error {
	began, n := time.Now(), 0
	for _, i := range competence(now, code).Indicators {
		if i.Assessable && i.Evidence == 0 {
			if err := s.SupportOne(ctx, i.Indicator); err != nil {
				return err
			}
			n++
		}
	}
	s.took("evidence", began)
	s.say("put %d pieces of evidence forward for %s", n, code)
	return nil
}

func competence(c request.Case, code string) request.CaseCompetence {
	for _, comp := range c.Competences {
		if comp.Code == code {
			return comp
		}
	}
	return request.CaseCompetence{}
}

func (s *story) decide(ctx context.Context) error {
	began := time.Now()
	c, err := s.Await(ctx, func(c request.Case) bool { return c.State != application.Gathering && c.State != application.Assessing })
	if err != nil {
		return err
	}
	s.took("proposal", began)
	if c.State == application.Proposed {
		began = time.Now()
		if _, err := Decide(ctx, s.member, s.App, award.Award); err != nil {
			return err
		}
		s.took("decision", began)
		if s.Said != nil {
			s.Said(s.member.UID(), "read the case and decided: award")
		}
	}
	began = time.Now()
	s.played.Case, err = s.Await(ctx, func(c request.Case) bool { return c.State.Ended() })
	if err != nil {
		return fmt.Errorf("after the decision: %w", err)
	}
	s.took("register entry", began)
	return nil
}
