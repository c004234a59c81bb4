package postgres_test

import (
	"bytes"
	"errors"
	"fmt"
	"os/exec"
	"slices"
	"sort"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/kutse-dev/kutse/events/request"
	"github.com/kutse-dev/kutse/schema/application"
	"github.com/kutse-dev/kutse/schema/fault"
	"github.com/kutse-dev/kutse/schema/postgres"
	"github.com/kutse-dev/kutse/schema/postgres/postgrestest"
)

// sampling is a sample that is committed to, and cases that came after it.
type sampling struct {
	*story
	id       string
	from, to time.Time
}

func beginSampling(t *testing.T) *sampling {
	t.Helper()
	s := &sampling{story: begin(t)}
	r := s.must(s.CommitSample(s.ctx, postgrestest.Auditor, request.CommitSample{Acting: postgrestest.NewID(), Title: "sisehindamine 2026"}))
	s.id, s.from = r.Record, r.At
	for _, a := range []postgres.Actor{postgrestest.Other, postgrestest.Judged} {
		s.open(a)
		s.must(s.OpenApplication(s.ctx, a, request.OpenApplication{Acting: postgrestest.NewID(), Standard: "ict-project-manager"}))
	}
	s.to = time.Now().Add(time.Second)
	s.Clock.Set(s.to.Add(2 * time.Minute))
	return s
}

func (s *sampling) ask(size int) request.DrawSample {
	return request.DrawSample{Acting: postgrestest.NewID(), Sample: s.id, From: s.from, To: s.to, Size: size}
}

func (s *sampling) show() request.Sample {
	s.t.Helper()
	out, err := s.Sample(s.ctx, postgrestest.Auditor, request.OfSample{Sample: s.id})
	if err != nil {
		s.t.Fatal(err)
	}
	return out
}

// The commands are those that the command line prints: nothing of ours is in them.
func TestASampleIsDrawnAgainWithSha256sum(t *testing.T) {
	t.Parallel()
	s := beginSampling(t)
	before := s.show()
	if before.Drawn != nil || before.Title != "sisehindamine 2026" {
		t.Errorf("before it is drawn: %+v", before)
	}
	req := s.ask(2)
	r := s.must(s.DrawSample(s.ctx, postgrestest.Auditor, req))
	if again := s.must(s.DrawSample(s.ctx, postgrestest.Auditor, req)); again.Record != r.Record || again.At != r.At {
		t.Errorf("the same request again: %+v, want %+v", again, r)
	}
	d := s.show().Drawn
	if d == nil || len(d.Cases) != 2 || d.Population != 4 || len(d.Members) != 4 || d.Next != "" {
		t.Fatalf("drawn %+v, want two of the four that were opened after the commitment", d)
	}
	if slices.Contains(d.Members, s.app) {
		t.Error("a case that was there before the commitment is in the population")
	}
	shell := func(script string) string {
		t.Helper()
		out, err := exec.Command("sh", "-c", script).Output()
		if err != nil {
			t.Skipf("no shell with xxd and sha256sum: %v", err)
		}
		return strings.Fields(string(out))[0]
	}
	if got := shell("printf %s " + d.Seed.String() + " | xxd -r -p | sha256sum"); got != before.Commitment.String() {
		t.Errorf("the seed has the SHA-256 %s, committed to was %s", got, before.Commitment)
	}
	var scores []string
	for _, id := range d.Members {
		scores = append(scores, shell("{ printf %s "+d.Seed.String()+" | xxd -r -p; printf %s "+string(id)+"; } | sha256sum")+" "+string(id))
	}
	sort.Strings(scores)
	for i, c := range d.Cases {
		if want := c.Score.String() + " " + string(c.Application); scores[i] != want {
			t.Errorf("case %d is %s, sha256sum says %s", i, want, scores[i])
		}
	}
	var list bytes.Buffer
	for _, id := range d.Members {
		fmt.Fprintln(&list, id)
	}
	if got := shell("printf '" + strings.ReplaceAll(list.String(), "\n", "\\n") + "' | LC_ALL=C sort -u | sha256sum"); got != d.PopulationDigest.String() {
		t.Errorf("the population has the digest %s, want %s", got, d.PopulationDigest)
	}
}

func TestASampleIsDrawnOnceAndFromCasesThatCameAfterIt(t *testing.T) {
	t.Parallel()
	s := beginSampling(t)
	with := func(change func(*request.DrawSample)) request.DrawSample {
		q := s.ask(1)
		change(&q)
		return q
	}
	for name, c := range map[string]struct {
		q    request.DrawSample
		want error
	}{
		"before the commitment": {with(func(q *request.DrawSample) { q.From = s.from.Add(-time.Second) }), fault.Invalid},
		"until now":             {with(func(q *request.DrawSample) { q.To = s.to.Add(2 * time.Minute) }), fault.Invalid},
		"a period backwards":    {with(func(q *request.DrawSample) { q.From, q.To = q.To, q.From }), fault.Invalid},
		"no case":               {with(func(q *request.DrawSample) { q.Standard = "salem-it-project-manager" }), fault.Invalid},
		"no size":               {with(func(q *request.DrawSample) { q.Size = 0 }), fault.Invalid},
		"too many":              {with(func(q *request.DrawSample) { q.Size = 1001 }), fault.Invalid},
		"no such sample":        {with(func(q *request.DrawSample) { q.Sample = uuid.NewString() }), fault.NotFound},
		"no id":                 {with(func(q *request.DrawSample) { q.Sample = "x" }), fault.Invalid},
		"no such standard":      {with(func(q *request.DrawSample) { q.Standard = "no-such" }), fault.NotFound},
	} {
		_, err := s.DrawSample(s.ctx, postgrestest.Auditor, c.q)
		if err == nil || (c.want != nil && !errors.Is(err, c.want)) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
	s.must(s.DrawSample(s.ctx, postgrestest.Auditor, with(func(q *request.DrawSample) { q.Standard, q.Size = itManager, 9 })))
	d := s.show().Drawn
	if d.Population != 2 || len(d.Cases) != 2 || d.Standard != itManager {
		t.Errorf("drawn %+v, want both cases of the standard", d)
	}
	if _, err := s.DrawSample(s.ctx, postgrestest.Auditor, s.ask(1)); !errors.Is(err, fault.Conflict) {
		t.Errorf("drawing again: %v, want a conflict", err)
	}
}

// Nobody sees the seed before it draws, not in any column.
func TestASeedIsSecretUntilItDraws(t *testing.T) {
	t.Parallel()
	s := beginSampling(t)
	db := connect(t, s.DB.Superuser)
	var sealed []byte
	if err := db.Get(&sealed, `SELECT seed FROM sample WHERE id = $1`, s.id); err != nil {
		t.Fatal(err)
	}
	s.must(s.DrawSample(s.ctx, postgrestest.Auditor, s.ask(1)))
	d := s.show().Drawn
	if bytes.Contains(sealed, d.Seed[:]) {
		t.Error("the seed stood in the record before it was drawn")
	}
	var members []application.ID
	for _, c := range d.Cases {
		members = append(members, c.Application)
	}
	if !slices.ContainsFunc(d.Members, func(id application.ID) bool { return slices.Contains(members, id) }) {
		t.Errorf("the sample %v is not of its population %v", members, d.Members)
	}
}
