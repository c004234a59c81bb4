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
	remind time.Duration // how often what lasts is said again; 0: reminder
	sealed func(postgres.Sealing)

	mu       sync.Mutex
	behind   map[int]bool      // years whose log the folder does not hold yet
	disputed map[int]bool      // years of which the folder tells another log
	lagging  time.Time         // when it was last said that rows wait; zero when they do not
	failing  map[int]time.Time // when it was last said that the log of a year cannot grow
}

const (
	firstRetry = 100 * time.Millisecond
	lastRetry  = 10 * time.Second
	// patience is how long a row may wait before the sealer says so.
	patience = time.Minute
	// reminder is how often the sealer repeats what somebody has to do something about.
	reminder = time.Hour
)

// due says whether something that was said at a time is to be said again.
func (s *Sealer) due(said time.Time) bool {
	every := s.remind
	if every == 0 {
		every = reminder
	}
	return said.IsZero() || time.Since(said) >= every
}

// Run seals until ctx ends, through outages of PostgreSQL.
//
// A crash between any two lines does no harm. What is sealed is sealed in one
// transaction; what it did not publish or show to witnesses, the next run does.
func (s *Sealer) Run(ctx context.Context) error {
	pause, since, said := time.Duration(0), time.Time{}, time.Time{}
	for ctx.Err() == nil {
		err := s.lead(ctx, func() {
			if !since.IsZero() {
				s.Log.InfoContext(ctx, "outage ended", slog.String("of", "sealer"), slog.Duration("after", time.Since(since)))
				pause, since, said = 0, time.Time{}, time.Time{}
			}
		})
		if err == nil || ctx.Err() != nil {
			continue
		}
		if since.IsZero() {
			since = time.Now()
		}
		if s.due(said) {
			s.tellOutage(ctx, err, said.IsZero())
			said = time.Now()
		}
		pause = min(max(2*pause, s.retry, firstRetry), lastRetry)
		wait(ctx, pause)
	}
	return nil
}

// tellOutage says why nothing is sealed. What does not end by itself is an error, and
// so is what has lasted.
func (s *Sealer) tellOutage(ctx context.Context, err error, begins bool) {
	level := slog.LevelWarn
	if !begins || !errors.Is(err, fault.Unavailable) {
		level = slog.LevelError
	}
	if begins {
		s.Log.Log(ctx, level, "outage began", slog.String("of", "sealer"), slog.Any("error", err))
		return
	}
	s.Log.Log(ctx, level, "the outage goes on: nothing is sealed", slog.String("of", "sealer"), slog.Any("error", err))
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
			s.watchLag(led)
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
		if err != nil && len(done.Failed) == 0 {
			return err
		}
		s.tellFailed(led, done)
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

// tellFailed says which logs cannot grow and why, and again for as long as it lasts:
// their acts are recorded and not sealed.
func (s *Sealer) tellFailed(led context.Context, done postgres.Sealing) {
	if s.failing == nil {
		s.failing = map[int]time.Time{}
	}
	for year, err := range done.Failed {
		if s.due(s.failing[year]) {
			s.failing[year] = time.Now()
			s.Log.ErrorContext(led, "the log of a year is not sealed", slog.Int("year", year), slog.Any("error", err))
		}
	}
	for _, c := range done.Checkpoints {
		_, year, err := merkle.ParseOrigin(c.Origin)
		if _, failed := s.failing[year]; err == nil && failed {
			delete(s.failing, year)
			s.Log.InfoContext(led, "the log of a year is sealed again", slog.Int("year", year))
		}
	}
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

// watchLag says that rows wait too long, again for as long as it lasts, and once that
// they no longer do. A transaction that stays open anywhere in the cluster is what
// makes them wait.
func (s *Sealer) watchLag(led context.Context) {
	lag, err := s.Record.Lag(led)
	if err != nil {
		return // sealing meets the same, and says so
	}
	switch late := lag > patience; {
	case late && s.due(s.lagging):
		s.Log.WarnContext(led, "acts wait to be sealed: an open transaction may hold them up", slog.Duration("for", lag))
		s.lagging = time.Now()
	case !late && !s.lagging.IsZero():
		s.Log.InfoContext(led, "acts no longer wait to be sealed")
		s.lagging = time.Time{}
	}
}
