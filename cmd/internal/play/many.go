package play

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/kutse-dev/kutse/cmd/internal/client"
	"github.com/kutse-dev/kutse/events/request"
	"github.com/kutse-dev/kutse/schema/application"
	"github.com/kutse-dev/kutse/schema/award"
	"github.com/kutse-dev/kutse/schema/catalogue"
	"github.com/kutse-dev/kutse/schema/person"
)

// Latencies are how long the requests of one kind took.
type Latencies struct {
	mu  sync.Mutex
	all []time.Duration
}

// Add adds one.
func (l *Latencies) Add(d time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.all = append(l.all, d)
}

// Count is how many there are.
func (l *Latencies) Count() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.all)
}

// Percentile is the value that p of a hundred do not exceed; 0 for none.
func (l *Latencies) Percentile(p int) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.all) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(l.all))
	return sorted[min(len(sorted)*p/100, len(sorted)-1)]
}

// Many is what many applications side by side took.
type Many struct {
	Submit, Claim, Judge, Decide, Whole Latencies
	Verdicts                            int
	Took                                time.Duration // from the first opening to the last register entry
}

// SideBySide plays applications for one standard, clients of them at a time: each
// candidate hands everything in at once, as many assessors judge, and a committee
// member decides.
func SideBySide(ctx context.Context, url string, std *catalogue.Standard, applications, clients int, progress func(done int)) (*Many, error) {
	if err := addCandidates(ctx, url, applications); err != nil {
		return nil, err
	}
	m := &Many{}
	group, ctx := errgroup.WithContext(ctx)
	working, stop := context.WithCancel(ctx)
	defer stop()
	closers, err := m.assessors(working, group, url, clients)
	defer func() {
		for _, c := range closers {
			c.Close()
		}
	}()
	if err != nil {
		return nil, err
	}
	began := time.Now()
	group.Go(func() error {
		defer stop()
		return m.candidates(ctx, url, std, applications, clients, progress)
	})
	err = group.Wait()
	m.Took = time.Since(began)
	return m, err
}

func candidateID(n int) person.ID { return person.ID(fmt.Sprintf("bench-%05d", n)) }

func addCandidates(ctx context.Context, url string, n int) error {
	op, err := client.Dial(url, Operator)
	if err != nil {
		return err
	}
	defer op.Close()
	for i := range n {
		err := AddPeople(ctx, op, request.AddPerson{
			Person: candidateID(i), Name: fmt.Sprintf("Candidate %d", i), Roles: []person.Role{person.Candidate},
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// assessors lets the demonstration's assessors work from as many desks as there
// are candidates at a time.
func (m *Many) assessors(ctx context.Context, group *errgroup.Group, url string, desks int) ([]*client.Client, error) {
	var closers []*client.Client
	var mu sync.Mutex
	people := Assessors()
	for i := range desks {
		c, err := client.Dial(url, people[i%len(people)])
		if err != nil {
			return closers, err
		}
		closers = append(closers, c)
		a := &Assessor{Client: c, Judged: func(claim, judge time.Duration, verdicts int) {
			m.Claim.Add(claim)
			m.Judge.Add(judge)
			mu.Lock()
			defer mu.Unlock()
			m.Verdicts += verdicts
		}}
		group.Go(func() error { return a.Work(ctx) })
	}
	return closers, nil
}

func (m *Many) candidates(ctx context.Context, url string, std *catalogue.Standard, applications, clients int, progress func(int)) error {
	member, err := client.Dial(url, Member)
	if err != nil {
		return err
	}
	defer member.Close()
	next := make(chan person.ID, applications)
	for i := range applications {
		next <- candidateID(i)
	}
	close(next)
	group, ctx := errgroup.WithContext(ctx)
	for range clients {
		group.Go(func() error {
			for id := range next {
				if err := m.candidate(ctx, url, std, id, member); err != nil {
					return fmt.Errorf("candidate %s: %w", id, err)
				}
				if progress != nil {
					progress(m.Whole.Count())
				}
			}
			return nil
		})
	}
	return group.Wait()
}

func (m *Many) candidate(ctx context.Context, url string, std *catalogue.Standard, id person.ID, member *client.Client) error {
	c, err := client.Dial(url, id)
	if err != nil {
		return err
	}
	defer c.Close()
	began := time.Now()
	p, err := Open(ctx, c, std, nil)
	if err != nil {
		return err
	}
	for _, comp := range std.Competences() {
		for _, indicator := range comp.Assessable() {
			submitting := time.Now()
			if err := p.SupportOne(ctx, indicator); err != nil {
				return err
			}
			m.Submit.Add(time.Since(submitting))
		}
	}
	if err := p.HandIn(ctx, Slots(std)...); err != nil {
		return err
	}
	if _, err := p.Await(ctx, func(c request.Case) bool { return c.State == application.Proposed }); err != nil {
		return err
	}
	deciding := time.Now()
	if _, err := Decide(ctx, member, p.App, award.Award); err != nil {
		return err
	}
	m.Decide.Add(time.Since(deciding))
	if _, err := p.Await(ctx, func(c request.Case) bool { return c.State == application.Registered }); err != nil {
		return err
	}
	m.Whole.Add(time.Since(began))
	return nil
}
