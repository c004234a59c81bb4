package sealer

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/kutse-dev/kutse/schema/fault"
	"github.com/kutse-dev/kutse/schema/merkle"
	"github.com/kutse-dev/kutse/schema/postgres"
)

// Sealer seals what the record's acts leave, publishes the log to a folder and has
// witnesses sign its checkpoints. Any number may run; one at a time works.
type Sealer struct {
	Record    *postgres.Store
	Keys      *Keyring
	Publish   string // folder; "" for none
	Witnesses []Witness
	Every     time.Duration
	Log       *slog.Logger

	retry  time.Duration // first pause of an outage; 0: firstRetry
	sealed func(postgres.Sealing)

	mu       sync.Mutex
	behind   map[int]bool // years whose log the folder does not hold yet
	disputed map[int]bool // years of which the folder tells another log
	lagging  bool
}

const (
	firstRetry = 100 * time.Millisecond
	lastRetry  = 10 * time.Second
	// patience is how long a row may wait before the sealer says so.
	patience = time.Minute
)

// Run seals until ctx ends, through outages of PostgreSQL.
//
// A crash between any two lines does no harm. What is sealed is sealed in one
// transaction; what it did not publish or show to witnesses, the next run does.
func (s *Sealer) Run(ctx context.Context) error {
	pause, since := time.Duration(0), time.Time{}
	for ctx.Err() == nil {
		err := s.lead(ctx, func() {
			if !since.IsZero() {
				s.Log.InfoContext(ctx, "outage ended", slog.String("of", "sealer"), slog.Duration("after", time.Since(since)))
				pause, since = 0, time.Time{}
			}
		})
		if err == nil || ctx.Err() != nil {
			continue
		}
		if since.IsZero() {
			since = time.Now()
			s.Log.WarnContext(ctx, "outage began", slog.String("of", "sealer"), slog.Any("error", err))
		}
		pause = min(max(2*pause, s.retry, firstRetry), lastRetry)
		wait(ctx, pause)
	}
	return nil
}

func wait(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}

// lead seals for as long as this process is the only sealer. works is called after
// each round that went well.
func (s *Sealer) lead(ctx context.Context, works func()) error {
	led, release, err := s.Record.LeadSealing(ctx)
	if err != nil {
		return fmt.Errorf("taking the lead: %w", err)
	}
	defer release()
	// What a crash left sealed and not published; and another process may have
	// worked on the folder meanwhile.
	s.behind, s.disputed = map[int]bool{}, map[int]bool{}
	years, err := s.Record.LogYears(led)
	if err != nil {
		return err
	}
	for _, y := range years {
		s.behind[y] = true
	}
	var witnesses sync.WaitGroup
	defer witnesses.Wait()
	watched, cancel := context.WithCancel(led)
	defer cancel()
	for _, w := range s.Witnesses {
		witnesses.Go(func() { s.show(watched, w) })
	}
	for led.Err() == nil {
		began := time.Now()
		if err := s.drain(led); err != nil {
			return err
		}
		s.publish(led)
		works()
		s.watchLag(led)
		wait(led, max(0, s.Every-time.Since(began)))
	}
	return nil
}

// drain seals until nothing more can be sealed.
func (s *Sealer) drain(led context.Context) error {
	for led.Err() == nil {
		done, err := s.Record.Seal(led, s.Keys)
		if err != nil {
			return err
		}
		s.mu.Lock()
		for _, c := range done.Checkpoints {
			if _, year, err := merkle.ParseOrigin(c.Origin); err == nil {
				s.behind[year] = true
			}
		}
		s.mu.Unlock()
		if s.sealed != nil {
			s.sealed(done)
		}
		if !done.More {
			return nil
		}
	}
	return nil
}

// publish brings the folder up to what is sealed. The folder is not what holds the
// record: that it cannot be written stops no sealing, and is tried again next time.
// A folder that tells of another log than the record bears witness against one of the
// two: it is left as it is, and somebody has to look.
func (s *Sealer) publish(led context.Context) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for year := range s.behind {
		if s.Publish == "" || s.disputed[year] {
			delete(s.behind, year)
			continue
		}
		err := s.publishYear(led, year)
		switch {
		case err == nil:
			delete(s.behind, year)
		case led.Err() != nil:
			return
		case errors.Is(err, fault.Conflict):
			s.disputed[year] = true
			s.Log.ErrorContext(led, "the published log and the record do not agree: the log is not published any more until that is settled and the sealer started again",
				slog.Int("year", year), slog.String("folder", s.Publish), slog.Any("error", err))
		default:
			s.Log.WarnContext(led, "the log could not be published", slog.Int("year", year), slog.Any("error", err))
		}
	}
}

func (s *Sealer) publishYear(ctx context.Context, year int) error {
	p, err := s.Record.Publication(ctx, year)
	if err != nil {
		return err
	}
	_, err = merkle.Publish(ctx, s.Publish, s.Record.Log(year), p)
	return err
}

// watchLag says once that rows wait too long, and once that they no longer do. A
// transaction that stays open anywhere in the cluster is what makes them wait.
func (s *Sealer) watchLag(led context.Context) {
	lag, err := s.Record.Lag(led)
	if err != nil {
		return // sealing meets the same, and says so
	}
	switch late := lag > patience; {
	case late && !s.lagging:
		s.Log.WarnContext(led, "acts wait to be sealed: an open transaction may hold them up", slog.Duration("for", lag))
		s.lagging = true
	case !late && s.lagging:
		s.Log.InfoContext(led, "acts no longer wait to be sealed")
		s.lagging = false
	}
}
