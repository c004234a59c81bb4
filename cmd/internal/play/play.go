package play

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/kutse-dev/kutse/cmd/internal/client"
	"github.com/kutse-dev/kutse/events"
	"github.com/kutse-dev/kutse/events/request"
	"github.com/kutse-dev/kutse/schema/application"
	"github.com/kutse-dev/kutse/schema/award"
	"github.com/kutse-dev/kutse/schema/canon"
	"github.com/kutse-dev/kutse/schema/catalogue"
	"github.com/kutse-dev/kutse/schema/evidence"
	"github.com/kutse-dev/kutse/schema/fault"
	"github.com/kutse-dev/kutse/schema/person"
)

// Case is one application as its candidate plays it.
type Case struct {
	Standard *catalogue.Standard
	App      application.ID
	// WithFiles makes the evidence of all kinds; without it, it is all text.
	WithFiles bool
	// Said is told what happened, for people to watch; it may be nil.
	Said func(who person.ID, what string)

	c    *client.Client
	news *nats.Subscription // the candidate's own facts
}

// Open applies for a standard as the candidate that c is.
func Open(ctx context.Context, c *client.Client, std *catalogue.Standard, said func(person.ID, string)) (*Case, error) {
	news, err := c.Conn().SubscribeSync("evt.v1.cand." + string(c.UID()) + ".>")
	if err != nil {
		return nil, err
	}
	p := &Case{Standard: std, Said: said, c: c, news: news}
	r, err := c.Act(ctx, person.Candidate, "application", "open", request.OpenApplication{Acting: client.NewID(), Standard: std.Key})
	if err != nil {
		return nil, fmt.Errorf("opening the application: %w", err)
	}
	p.App = application.ID(r.Record)
	p.say("applied for %s", std.Name())
	return p, nil
}

// Resume goes on with an application that is there already.
func Resume(c *client.Client, std *catalogue.Standard, app application.ID, said func(person.ID, string)) (*Case, error) {
	news, err := c.Conn().SubscribeSync("evt.v1.cand." + string(c.UID()) + ".>")
	return &Case{Standard: std, App: app, Said: said, c: c, news: news}, err
}

func (p *Case) say(format string, args ...any) {
	if p.Said != nil {
		p.Said(p.c.UID(), fmt.Sprintf(format, args...))
	}
}

// Slots returns the codes of the competences that have a slot of their own and
// something to assess: first those that the award does not ask for, because the
// case goes to the committee as soon as nothing is lacking.
func Slots(std *catalogue.Standard) []string {
	var optional, asked []string
	for _, g := range std.Groups {
		for _, c := range g.Competences {
			switch {
			case g.Kind == catalogue.Recurring || len(c.Assessable()) == 0:
			case slices.Contains(std.Award.Required, g.Key):
				asked = append(asked, c.Code)
			default:
				optional = append(optional, c.Code)
			}
		}
	}
	return slices.Concat(optional, asked)
}

// Support puts one piece of evidence forward for each indicator of a competence
// and returns how many.
func (p *Case) Support(ctx context.Context, code string) (int, error) {
	c, _, _ := p.Standard.Competence(code)
	for _, id := range c.Assessable() {
		if err := p.SupportOne(ctx, id); err != nil {
			return 0, err
		}
	}
	return len(c.Assessable()), nil
}

// SupportOne puts one piece of evidence forward for an indicator: the first of a
// competence is a file where p is WithFiles, the second a link, the others are told.
func (p *Case) SupportOne(ctx context.Context, id catalogue.IndicatorID) error {
	st, _ := p.Standard.Statement(id)
	indicators := []catalogue.IndicatorID{id}
	switch {
	case p.WithFiles && id.Ordinal == 1:
		_, err := p.SubmitFile(ctx, testimony(id, st), indicators...)
		return err
	case p.WithFiles && id.Ordinal == 2:
		return p.Submit(ctx, request.SubmitEvidence{Kind: evidence.Link, Link: "https://example.org/portfolio/" + id.String(), Indicators: indicators})
	default:
		return p.Submit(ctx, request.SubmitEvidence{Kind: evidence.Text, Text: testimony(id, st), Indicators: indicators})
	}
}

// testimony is what the candidate says they did.
func testimony(id catalogue.IndicatorID, st catalogue.Statement) string {
	return fmt.Sprintf("In the year before last I was responsible for this in a public body of 400 people (%s): %s", id, st.Text)
}

// Submit puts one piece of evidence forward; it fills in the id and the application.
func (p *Case) Submit(ctx context.Context, q request.SubmitEvidence) error {
	q.Acting, q.Application = client.NewID(), p.App
	if _, err := p.c.Act(ctx, person.Candidate, "evidence", "submit", q); err != nil {
		return fmt.Errorf("submitting evidence for %v: %w", q.Indicators, err)
	}
	return nil
}

// SubmitFile uploads bytes and puts them forward.
func (p *Case) SubmitFile(ctx context.Context, content string, ids ...catalogue.IndicatorID) (canon.Digest, error) {
	digest, err := p.c.Upload(ctx, strings.NewReader(content), nil)
	if err != nil {
		return digest, err
	}
	return digest, p.Submit(ctx, request.SubmitEvidence{Kind: evidence.File, File: &digest, Indicators: ids})
}

// HandIn hands competences in.
func (p *Case) HandIn(ctx context.Context, codes ...string) error {
	_, err := p.c.Act(ctx, person.Candidate, "competence", "hand-in",
		request.HandIn{Acting: client.NewID(), Application: p.App, Competences: codes})
	if err != nil {
		return fmt.Errorf("handing in %v: %w", codes, err)
	}
	return nil
}

// lookEvery is how often a candidate looks for themselves when no news comes: a
// core subscription misses what happens while the connection is down.
const lookEvery = time.Second

// Await waits until the case, as the candidate sees it, satisfies done. News wakes
// it; it looks by itself as well.
func (p *Case) Await(ctx context.Context, done func(request.Case) bool) (request.Case, error) {
	for {
		var c request.Case
		err := p.c.Read(ctx, person.Candidate, "application", "show", request.OfApplication{Application: p.App}, &c)
		if err == nil && done(c) {
			return c, nil
		}
		if err != nil && !errors.Is(err, fault.Unavailable) {
			return c, err
		}
		if err := p.wait(ctx); err != nil {
			return c, fmt.Errorf("waiting for application %s, which is %s: %w", p.App, c.State, err)
		}
	}
}

// moves are the facts after which a case may stand elsewhere.
var moves = []events.Event{events.CompetencesWeighed{}, events.AwardProposed{}, events.AwardDecided{}, events.QualificationRegistered{}}

// wait waits for news that can move the case, or for the next look.
func (p *Case) wait(ctx context.Context) error {
	ctx, cancel := context.WithTimeoutCause(ctx, lookEvery, errLook)
	defer cancel()
	for {
		msg, err := p.news.NextMsgWithContext(ctx)
		switch {
		case errors.Is(context.Cause(ctx), errLook):
			return nil
		case err != nil:
			return err
		}
		for _, e := range moves {
			if strings.HasSuffix(msg.Subject, strings.TrimSuffix(e.Type(), ".v1")) {
				return nil
			}
		}
	}
}

var errLook = errors.New("time to look")

// AwaitWeighed waits until a competence is no more with an assessor and says
// whether it is met.
func (p *Case) AwaitWeighed(ctx context.Context, code string) (bool, error) {
	met := false
	_, err := p.Await(ctx, func(c request.Case) bool {
		for _, comp := range c.Competences {
			if comp.Code == code && !comp.UnderAssessment {
				met = comp.Met
				return true
			}
		}
		return false
	})
	return met, err
}

// Decide decides as a committee member on the proposal of a case.
func Decide(ctx context.Context, member *client.Client, app application.ID, outcome award.Outcome) (request.Receipt, error) {
	var c request.Case
	if err := member.Read(ctx, person.Committee, "case", "show", request.OfApplication{Application: app}, &c); err != nil {
		return request.Receipt{}, fmt.Errorf("reading the case: %w", err)
	}
	if c.Proposal == nil {
		return request.Receipt{}, fault.Conflict.New("there is no proposal for %s", app)
	}
	r, err := member.Act(ctx, person.Committee, "decision", "make", request.Decide{
		Acting: client.NewID(), Application: app, Proposal: c.Proposal.Proposal, Outcome: outcome, Reviewed: true,
		Grounds:    "The committee examined the evidence and the assessors' verdicts; every indicator that the standard asks for is shown.",
		LegalBasis: "KutS § 18(2)",
	})
	if err != nil {
		return r, fmt.Errorf("deciding: %w", err)
	}
	return r, nil
}
