package postgres_test

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/kutse-dev/kutse/events/request"
	"github.com/kutse-dev/kutse/schema/application"
	"github.com/kutse-dev/kutse/schema/award"
	"github.com/kutse-dev/kutse/schema/blob"
	"github.com/kutse-dev/kutse/schema/canon"
	"github.com/kutse-dev/kutse/schema/evidence"
	"github.com/kutse-dev/kutse/schema/fault"
	"github.com/kutse-dev/kutse/schema/person"
	"github.com/kutse-dev/kutse/schema/postgres"
	"github.com/kutse-dev/kutse/schema/postgres/postgrestest"
	"github.com/kutse-dev/kutse/schema/reading"
)

// opens are the endpoints that open another's data, by role: what asks them, and
// the purpose that the person then sees.
var opens = map[string]struct {
	purpose reading.Purpose
	ask     func(*watched) error
}{
	"asr task.evidence": {reading.Assessment, func(w *watched) error {
		_, err := w.TaskEvidence(w.ctx, postgrestest.Assessor, request.TaskEvidencePage{Task: w.task.Task})
		return err
	}},
	"asr file.read": {reading.Assessment, func(w *watched) error {
		_, err := w.FileOwner(w.ctx, postgrestest.Assessor, request.ReadFile{Task: w.task.Task, File: w.file})
		return err
	}},
	"com file.read": {reading.Decision, func(w *watched) error {
		_, err := w.FileOwner(w.ctx, postgrestest.Member, request.ReadFile{Application: w.app, File: w.file})
		return err
	}},
	"com case.show": {reading.Challenge, func(w *watched) error {
		_, err := w.Case(w.ctx, postgrestest.Member, request.OfApplication{Application: w.app, Purpose: reading.Challenge})
		return err
	}},
	"com case.evidence": {reading.Decision, func(w *watched) error {
		_, err := w.Evidence(w.ctx, postgrestest.Member, request.EvidencePage{Application: w.app})
		return err
	}},
	"cnl get.application": {reading.Court, func(w *watched) error {
		_, err := w.Case(w.ctx, postgrestest.Auditor, request.OfApplication{Application: w.app, Purpose: reading.Court})
		return err
	}},
	"cnl get.audit": {reading.Complaint, func(w *watched) error {
		_, err := w.Audit(w.ctx, postgrestest.Auditor, request.AuditPage{Application: w.app, Purpose: reading.Complaint})
		return err
	}},
	"cnl get.timeline": {reading.Audit, func(w *watched) error {
		_, err := w.Timeline(w.ctx, postgrestest.Auditor, request.OfCase{Application: w.app, Purpose: reading.Audit})
		return err
	}},
	"cnl get.readings": {reading.Audit, func(w *watched) error {
		_, err := w.SearchReadings(w.ctx, postgrestest.Auditor, request.ReadingSearch{Person: "c1"})
		return err
	}},
	"cnl audit-finding.list": {reading.AccessRequest, func(w *watched) error {
		_, err := w.AuditFindings(w.ctx, postgrestest.Auditor, request.AuditFindingPage{Application: w.app, Purpose: reading.AccessRequest})
		return err
	}},
	"cnl hold.list": {reading.Audit, func(w *watched) error {
		_, err := w.LegalHolds(w.ctx, postgrestest.Auditor, request.HoldPage{Person: "c1"})
		return err
	}},
	"cnl retention.show": {reading.Audit, func(w *watched) error {
		_, err := w.Retention(w.ctx, postgrestest.Auditor, request.OfPerson{Person: "c1"})
		return err
	}},
}

// others open another's data too, and are held to it where they are tested: they
// need a register entry, or a case file.
var others = []string{
	"cnl get.entry", "cnl casefile.make", "cnl casefile.read", "asr prior.show", "com prior.show", "cnl prior.show",
	"asr prior.list", "com prior.list", "cnl prior.list",
}

// shows are the endpoints that open nobody else's data, and why. Beside them, what a
// candidate can read is their own, an operator reads no case, and an act is answered
// with ids and digests.
var shows = map[string]string{
	"asr task.list":     "titles of standards, and the time that is left",
	"com case.list":     "opaque ids and titles",
	"cnl get.stats":     "counts",
	"cnl sample.show":   "opaque ids",
	"cnl retention.due": "opaque ids, and when terms ended",
	"cnl log.prove":     "what stands in the published log",
	"com log.prove":     "what stands in the published log",
	"log.keys":          "public",
	"log.read":          "public",
	"standard.list":     "public",
	"standard.show":     "public",
}

// watched is a case with a file and a task, and one who looks at who reads it.
type watched struct {
	*story
	task request.ClaimedTask
	file canon.Digest
}

func watch(t *testing.T) *watched {
	t.Helper()
	w := &watched{story: begin(t)}
	w.file = canon.Sum([]byte("a plan"))
	address, err := w.Sealer().Salt("c1", blob.Record(w.file))
	if err != nil {
		t.Fatal(err)
	}
	w.must(w.CommitUpload(w.ctx, postgrestest.Candidate, request.CommitUpload{Acting: postgrestest.NewID()},
		blob.Stored{Digest: w.file, Address: address, Size: 6, MediaType: "text/plain"}))
	w.must(w.PlaceHold(w.ctx, postgrestest.Auditor, request.PlaceHold{Acting: postgrestest.NewID(), Person: "c1", Ground: "a claim", Reference: "3-26-1"}))
	req := w.text("", "B.2.8/1", "B.2.8/2")
	req.Kind, req.File = evidence.File, &w.file
	w.must(w.SubmitEvidence(w.ctx, postgrestest.Candidate, req))
	w.handIn("B.2.8")
	w.task = w.claim(postgrestest.Assessor)
	return w
}

// seen is what the candidate sees of who read their data, newest first.
func (s *story) seen() []request.Reading {
	s.t.Helper()
	page, err := s.Readings(s.ctx, postgrestest.Candidate, request.ReadingPage{})
	if err != nil {
		s.t.Fatal(err)
	}
	return page.Rows
}

// An endpoint that is new must be put on one of the lists.
func TestEveryReadingOfAnothersDataIsThereForThemToSee(t *testing.T) {
	t.Parallel()
	w := watch(t)
	for _, key := range slices.Sorted(maps.Keys(opens)) {
		role, what, _ := strings.Cut(key, " ")
		before := w.seen()
		if err := opens[key].ask(w); err != nil {
			t.Errorf("%s: %v", key, err)
			continue
		}
		after := w.seen()
		if len(after) != len(before)+1 {
			t.Errorf("%s: %d readings more, want one", key, len(after)-len(before))
			continue
		}
		r := after[0]
		if r.What != what || string(r.Role) != role || r.Purpose != opens[key].purpose || r.Person != "c1" || time.Since(r.At) > time.Second {
			t.Errorf("%s is seen as %+v, want purpose %s", key, r, opens[key].purpose)
		}
		if r.Reader == "" {
			t.Errorf("%s: the reader is not named", key)
		}
	}
}

func TestEveryEndpointIsKnownToOpenDataOrNot(t *testing.T) {
	t.Parallel()
	known := map[string]bool{}
	for _, e := range request.Endpoints() {
		for _, role := range e.Roles {
			what := e.Resource + "." + e.Verb
			key := string(role) + " " + what
			known[key] = true
			_, open := opens[key]
			open = open || slices.Contains(others, key)
			show := shows[key] != "" || shows[what] != "" || role == person.Candidate || role == person.Operator ||
				(e.IsAct() && what != "casefile.make")
			if open == show {
				t.Errorf("%s is on two lists or on none: does it open another's data?", key)
			}
		}
	}
	for key := range opens {
		if !known[key] {
			t.Errorf("there is no endpoint %s", key)
		}
	}
}

func TestWhatIsOnesOwnOrRefusedIsNoReading(t *testing.T) {
	t.Parallel()
	w := watch(t)
	for _, ask := range []func() error{
		func() error {
			_, err := w.Case(w.ctx, postgrestest.Candidate, request.OfApplication{Application: w.app})
			return err
		},
		func() error {
			_, err := w.Evidence(w.ctx, postgrestest.Candidate, request.EvidencePage{Application: w.app})
			return err
		},
		func() error {
			_, err := w.FileOwner(w.ctx, postgrestest.Candidate, request.ReadFile{Application: w.app, File: w.file})
			return err
		},
		func() error {
			_, err := w.Audit(w.ctx, postgrestest.Auditor, request.AuditPage{})
			return err
		},
	} {
		if err := ask(); err != nil {
			t.Error(err)
		}
	}
	for name, ask := range map[string]func() error{
		"another candidate": func() error {
			_, err := w.Case(w.ctx, postgrestest.Other, request.OfApplication{Application: w.app})
			return err
		},
		"an assessor without the task": func() error {
			_, err := w.TaskEvidence(w.ctx, postgrestest.Second, request.TaskEvidencePage{Task: w.task.Task})
			return err
		},
		"a file that is not there": func() error {
			_, err := w.FileOwner(w.ctx, postgrestest.Member, request.ReadFile{Application: w.app, File: canon.Sum([]byte("no"))})
			return err
		},
		"who does not hold the role": func() error {
			_, err := w.Case(w.ctx, postgres.Actor{ID: "a1", Role: person.Council}, request.OfApplication{Application: w.app, Purpose: reading.Audit})
			return err
		},
		"the council without a purpose": func() error {
			_, err := w.Case(w.ctx, postgrestest.Auditor, request.OfApplication{Application: w.app})
			return err
		},
		"the council without a purpose, by candidate": func() error {
			_, err := w.Audit(w.ctx, postgrestest.Auditor, request.AuditPage{Candidate: "c1"})
			return err
		},
		"the committee for an audit": func() error {
			_, err := w.Case(w.ctx, postgrestest.Member, request.OfApplication{Application: w.app, Purpose: reading.Audit})
			return err
		},
		"a purpose that is none": func() error {
			_, err := w.Case(w.ctx, postgrestest.Auditor, request.OfApplication{Application: w.app, Purpose: "curiosity"})
			return err
		},
	} {
		if err := ask(); fault.Of(err) == "" {
			t.Errorf("%s: %v, want a refusal", name, err)
		}
	}
	if got := w.seen(); len(got) != 0 {
		t.Errorf("the candidate sees %+v, want nothing", got)
	}
	_, err := w.Case(w.ctx, postgrestest.Auditor, request.OfApplication{Application: w.app})
	if !errors.Is(err, fault.Invalid) || !strings.Contains(fault.Message(err), "access_request") {
		t.Errorf("without a purpose: %v, want invalid with the purposes", err)
	}
}

func TestAnEntryThatIsReadIsAReading(t *testing.T) {
	t.Parallel()
	s := begin(t)
	p := s.assessAll()
	s.must(s.Decide(s.ctx, postgrestest.Member, s.decision(p, award.Award)))
	number, err := s.EnterRegister(s.ctx, s.app)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Entry(s.ctx, postgrestest.Auditor, request.OfEntry{Number: number}); err != nil {
		t.Fatal(err)
	}
	if r := s.seen()[0]; r.What != "get.entry" || r.Purpose != reading.Audit || r.Application != s.app {
		t.Errorf("the candidate sees %+v, want that the entry was read", r)
	}
}

func TestReadingsAreSearchedByWhoeverIsInThem(t *testing.T) {
	t.Parallel()
	s := begin(t)
	other := s.open(postgrestest.Other)
	for n := range 7 {
		for _, app := range []application.ID{s.app, other} {
			purpose := []reading.Purpose{reading.Audit, reading.Complaint}[n%2]
			if _, err := s.Case(s.ctx, postgrestest.Auditor, request.OfApplication{Application: app, Purpose: purpose}); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := s.Case(s.ctx, postgrestest.Member, request.OfApplication{Application: s.app}); err != nil {
			t.Fatal(err)
		}
	}
	for name, c := range map[string]struct {
		q    request.ReadingSearch
		want int
	}{
		"a person":               {request.ReadingSearch{Person: "c1"}, 14},
		"an application":         {request.ReadingSearch{Application: other}, 7},
		"a reader":               {request.ReadingSearch{Reader: "n1"}, 14},
		"a purpose":              {request.ReadingSearch{Purpose: reading.Decision}, 7},
		"a reader for a purpose": {request.ReadingSearch{Reader: "n1", Purpose: reading.Complaint}, 6},
		"whom nobody knows":      {request.ReadingSearch{Person: "nobody"}, 0},
	} {
		got, last := 0, time.Time{}
		for q := c.q; ; {
			q.Limit = 3
			page, err := s.SearchReadings(s.ctx, postgrestest.Auditor, q)
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			for _, r := range page.Rows {
				if r.What == "get.readings" { // that of the pages before
					continue
				}
				got++
				if !last.IsZero() && r.At.After(last) {
					t.Errorf("%s: %s comes after %s, want newest first", name, r.At, last)
				}
				last = r.At
			}
			if page.Next == "" {
				break
			}
			q.After = page.Next
		}
		if got != c.want {
			t.Errorf("%s: %d readings, want %d", name, got, c.want)
		}
	}
}

func TestReadingsEndAfterTheirTerm(t *testing.T) {
	t.Parallel()
	s := begin(t)
	db := connect(t, s.DB.Superuser)
	if _, err := db.Exec(`SELECT ensure_partitions((current_date - interval '3 years')::date, 1)`); err != nil {
		t.Fatal(err)
	}
	put := func(at time.Time) {
		t.Helper()
		if _, err := db.Exec(`INSERT INTO reading (at, id, reader, role, purpose, person, what) VALUES ($1, gen_random_uuid(), 'n1', 'cnl', 'audit', 'c1', 'get.audit')`, at); err != nil {
			t.Fatal(err)
		}
	}
	now := time.Now()
	put(time.Date(now.Year()-3, now.Month(), 15, 0, 0, 0, 0, time.UTC))
	put(now)
	years := 5 // of the default procedure
	s.Clock.Set(now.AddDate(years-3, 0, 0))
	if n, err := s.ForgetOldReadings(s.ctx); err != nil || n != 0 {
		t.Errorf("%d months were dropped while the term runs (%v)", n, err)
	}
	s.Clock.Set(now.AddDate(years-3, 2, 0))
	if n, err := s.ForgetOldReadings(s.ctx); err != nil || n != 1 {
		t.Errorf("%d months were dropped after the term (%v), want one", n, err)
	}
	if n, err := s.ForgetOldReadings(s.ctx); err != nil || n != 0 {
		t.Errorf("%d months were dropped the second time (%v)", n, err)
	}
	if got := s.seen(); len(got) != 1 {
		t.Errorf("%d readings are left, want the new one", len(got))
	}
}

// Errors that are no answer go into the service's log, and a file's SHA-256 tells
// for ever who was asked for it.
func TestAnErrorAboutAFileDoesNotNameIt(t *testing.T) {
	t.Parallel()
	s := begin(t)
	file := canon.Sum([]byte("a file"))
	stopped, stop := context.WithCancel(s.ctx)
	stop()
	_, err := s.FileOwner(stopped, postgrestest.Member, request.ReadFile{Application: s.app, File: file})
	if err == nil || strings.Contains(err.Error(), file.String()) {
		t.Errorf("%v, want an error without %s", err, file)
	}
}
