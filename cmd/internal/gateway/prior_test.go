package gateway_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/kutse-dev/kutse/cmd/internal/client"
	"github.com/kutse-dev/kutse/events/request"
	"github.com/kutse-dev/kutse/schema/canon"
	"github.com/kutse-dev/kutse/schema/casefile"
	"github.com/kutse-dev/kutse/schema/catalogue"
	"github.com/kutse-dev/kutse/schema/fault"
	"github.com/kutse-dev/kutse/schema/person"
	"github.com/kutse-dev/kutse/schema/postgres"
	"github.com/kutse-dev/kutse/schema/postgres/postgrestest"
	"github.com/kutse-dev/kutse/schema/reading"
)

// small is an installation with a small case of its own: one round of one competence.
func small(t *testing.T) *installation {
	t.Helper()
	s := install(t, "a.example.ee", postgrestest.New(t))
	s.app = s.open(postgrestest.Candidate).Application
	s.must(postgrestest.Candidate, "evidence", "submit", text(request.Receipt{Application: s.app}, "Tegin seda ise."))
	s.seal()
	return s
}

func TestNoChangedCaseFileIsTaken(t *testing.T) {
	t.Parallel()
	a := small(t)
	file := a.casefile()
	b := install(t, "b.example.ee", postgrestest.Empty(t))
	const tries = 300
	for n := range tries {
		changed := bytes.Clone(file)
		at := n * len(file) / tries
		changed[at] ^= 1 << (n % 8)
		if _, err := b.bring(changed); !errors.Is(err, fault.Invalid) {
			t.Errorf("byte %d of %d flipped: %v, want invalid", at, len(file), err)
		}
	}
	for name, changed := range map[string][]byte{
		"cut off": file[:len(file)-1], "cut short": file[:len(file)/2], "something after it": append(bytes.Clone(file), 0),
		"something before it": append([]byte{0}, file...), "no archive": []byte("Mari on tubli."),
	} {
		if _, err := b.bring(changed); !errors.Is(err, fault.Invalid) {
			t.Errorf("%s: %v, want invalid", name, err)
		}
	}
	var rows int
	db, err := postgresConnect(t, b.record.DB.Superuser)
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Get(&rows, `SELECT count(*) FROM kutse.prior_assessment`); err != nil || rows != 0 {
		t.Errorf("%d prior assessments, %v; want none", rows, err)
	}
	_, err = b.bring(bytes.Replace(file, []byte(`"name":"Mari Maasikas"`), []byte(`"name":"Mari Maasiku1"`), 1))
	if !errors.Is(err, fault.Invalid) || !strings.Contains(err.Error(), "case.json") {
		t.Errorf("another name: %v, want invalid, and the file that is wrong", err)
	}
	if _, err := b.act(postgrestest.Candidate, "prior", "bring", request.BringPrior{Acting: client.NewID(), File: canon.Sum(nil)}); !errors.Is(err, fault.NotFound) {
		t.Errorf("a file that was not uploaded: %v, want not found", err)
	}
	if _, err := b.bring(file); err != nil {
		t.Errorf("as it was: %v", err)
	}
}

// rewritten writes a case file anew with another standard, as an installation with
// software of its own might.
func rewritten(t *testing.T, a *installation, file, standard []byte) []byte {
	t.Helper()
	f, err := archive(t, file).File()
	if err != nil {
		t.Fatal(err)
	}
	f.Standard, f.Case.Standard.Digest = standard, canon.Sum(standard)
	f.Case.Timeline, f.Entries, f.Events, f.Rows, f.Proofs = nil, nil, nil, nil, nil
	var b bytes.Buffer
	if err := casefile.Write(&b, f, a.key.Signer); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestAStandardThatIsNotKnownIsShownAsText(t *testing.T) {
	t.Parallel()
	a := small(t)
	file := a.casefile()
	whole, err := archive(t, file).File()
	if err != nil {
		t.Fatal(err)
	}
	version := bytes.Replace(whole.Standard, []byte(`"version":"`), []byte(`"version":"99-`), 1)
	format := bytes.Replace(whole.Standard, []byte(`{`), []byte(`{"addendum":{"valdkond":"IT"},`), 1)
	b := install(t, "b.example.ee", postgrestest.New(t))
	show := func(file []byte) request.Prior {
		r, err := b.bring(file)
		if err != nil {
			t.Fatal(err)
		}
		p, err := b.prior(postgrestest.Candidate, request.OfPrior{Prior: r.Record})
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	title := a.see().Title
	if p := show(file); !p.StandardKnown || p.Text != "" || p.Title != title {
		t.Errorf("a version that is known: %+v and %d bytes of text, want none", p.PriorLine, len(p.Text))
	}
	if p := show(rewritten(t, a, file, version)); p.StandardKnown || p.Text != "" || p.Title != title || len(p.Competences) == 0 || p.Competences[0].Indicators[0].Text == "" {
		t.Errorf("a version that is not known: %+v, want its texts", p.PriorLine)
	}
	if p := show(rewritten(t, a, file, format)); p.StandardKnown || !strings.Contains(p.Text, `"valdkond": "IT"`) || p.Title != title || len(p.Competences) == 0 {
		t.Errorf("a format that is not known: %+v, %.80q; want it as text", p.PriorLine, p.Text)
	}
	if p := show(rewritten(t, a, file, []byte("Kutsestandard paberil.\n"))); p.StandardKnown || p.Text != "Kutsestandard paberil.\n" || p.Title == "" {
		t.Errorf("a text: %+v, %q; want it as it is", p.PriorLine, p.Text)
	}
	b.seal()
	if c, err := archive(t, b.ofOwn()).Case(); err != nil || len(c.Prior) != 4 || c.Prior[0].Origin != "a.example.ee" || c.Prior[0].Application != a.app {
		t.Errorf("a case file of here names %+v, %v; want the four that were brought", c.Prior, err)
	}
}

// ofOwn is a case file of a case here.
func (s *installation) ofOwn() []byte {
	s.Helper()
	s.app = s.door.open(postgrestest.Candidate).Application
	s.seal()
	return s.casefile()
}

func TestASignerThatIsTrustedIsShownSo(t *testing.T) {
	t.Parallel()
	a := small(t)
	file := a.casefile()
	b := install(t, "b.example.ee", postgrestest.Empty(t), a.vkeys()...)
	r, err := b.bring(file)
	if err != nil {
		t.Fatal(err)
	}
	p, err := b.prior(postgrestest.Candidate, request.OfPrior{Prior: r.Record})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range p.Checks {
		if !c.OK || c.Why != "" {
			t.Errorf("%s: %v, %s; want it ok", c.What, c.OK, c.Why)
		}
	}
}

func TestWhoMayReadAPriorAssessment(t *testing.T) {
	t.Parallel()
	s := small(t)
	r, err := s.bring(s.casefile())
	if err != nil {
		t.Fatal(err)
	}
	c := r.Record
	// A task of the candidate, and one of somebody else.
	s.claimable(standardOf(t), "B.2.9", postgrestest.Candidate, s.app)
	task := s.must(postgrestest.Assessor, "task", "claim", request.ClaimTask{Acting: client.NewID()}).Claimed.Task
	other := s.door.open(postgrestest.Other).Application
	s.claimable(standardOf(t), "B.2.9", postgrestest.Other, other)
	others := s.must(postgrestest.Assessor, "task", "claim", request.ClaimTask{Acting: client.NewID()}).Claimed.Task
	for name, x := range map[string]struct {
		a    postgres.Actor
		q    request.OfPrior
		kind fault.Kind
	}{
		"the candidate":                       {postgrestest.Candidate, request.OfPrior{Prior: c}, ""},
		"another candidate":                   {postgrestest.Other, request.OfPrior{Prior: c}, fault.NotFound},
		"an assessor with a task of theirs":   {postgrestest.Assessor, request.OfPrior{Prior: c, Task: task}, ""},
		"an assessor with another's task":     {postgrestest.Assessor, request.OfPrior{Prior: c, Task: others}, fault.NotFound},
		"an assessor without the task":        {postgrestest.Second, request.OfPrior{Prior: c, Task: task}, fault.NotFound},
		"an assessor who names none":          {postgrestest.Assessor, request.OfPrior{Prior: c}, fault.Invalid},
		"the committee, of their application": {postgrestest.Member, request.OfPrior{Prior: c, Application: s.app}, ""},
		"the committee, of another's":         {postgrestest.Member, request.OfPrior{Prior: c, Application: other}, fault.NotFound},
		"the committee, of none":              {postgrestest.Member, request.OfPrior{Prior: c}, fault.Invalid},
		"the council":                         {postgrestest.Auditor, request.OfPrior{Prior: c, Purpose: reading.Complaint}, ""},
		"the council without a purpose":       {postgrestest.Auditor, request.OfPrior{Prior: c}, fault.Invalid},
		"no id":                               {postgrestest.Candidate, request.OfPrior{Prior: "1; DROP TABLE"}, fault.Invalid},
		"an id that is none":                  {postgrestest.Candidate, request.OfPrior{Prior: someID}, fault.NotFound},
	} {
		p, err := s.prior(x.a, x.q)
		if fault.Of(err) != x.kind || err == nil && p.Prior != c {
			t.Errorf("%s: %s, %v; want %q", name, p.Prior, err, x.kind)
		}
	}
	for _, x := range []struct {
		a postgres.Actor
		q request.PriorsOf
	}{
		{postgrestest.Assessor, request.PriorsOf{Task: task}},
		{postgrestest.Member, request.PriorsOf{Application: s.app}},
		{postgrestest.Auditor, request.PriorsOf{Application: s.app, Purpose: reading.Audit}},
	} {
		var list request.Priors
		if err := s.as(x.a).Ask(t.Context(), x.a.Role, "prior", "list", x.q, &list); err != nil || len(list.Priors) != 1 || list.Priors[0].Prior != c {
			t.Errorf("listed by %s: %+v, %v; want %s", x.a.ID, list, err, c)
		}
	}
	var read []string
	db, err := postgresConnect(t, s.record.DB.Superuser)
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Select(&read, `SELECT what || ' ' || role || ' ' || purpose || ' ' || person FROM kutse.reading WHERE what LIKE 'prior.%' ORDER BY 1`); err != nil {
		t.Fatal(err)
	}
	want := "prior.list asr assessment c1,prior.list cnl audit c1,prior.list com decision c1," +
		"prior.show asr assessment c1,prior.show cnl complaint c1,prior.show com decision c1"
	if got := strings.Join(read, ","); got != want {
		t.Errorf("readings %s, want %s", got, want)
	}
}

func TestBroughtTwiceAtOnceItIsOnePriorAssessment(t *testing.T) {
	t.Parallel()
	s := small(t)
	file := s.casefile()
	sum, err := s.as(postgrestest.Candidate).Upload(t.Context(), bytes.NewReader(file), nil)
	if err != nil {
		t.Fatal(err)
	}
	q := request.BringPrior{Acting: client.NewID(), File: sum}
	body, err := json.Marshal(q)
	if err != nil {
		t.Fatal(err)
	}
	answers := make(chan []byte, 8)
	for range cap(answers) {
		conn := s.as(postgrestest.Candidate).Conn()
		go func() {
			msg, err := conn.Request(request.Subject(person.Candidate, "c1", "prior", "bring"), body, patience)
			if err != nil {
				t.Error(err)
				answers <- nil
				return
			}
			answers <- msg.Data
		}()
	}
	first := <-answers
	for range cap(answers) - 1 {
		if got := <-answers; !bytes.Equal(got, first) {
			t.Errorf("got %s, want the receipt %s", got, first)
		}
	}
	if _, err := s.act(postgrestest.Candidate, "prior", "bring", request.BringPrior{Acting: q.Acting, File: canon.Sum([]byte(plan))}); err == nil {
		t.Error("the same id with another file was taken")
	}
}

func standardOf(t *testing.T) *catalogue.Standard {
	t.Helper()
	std, err := catalogue.ByKey(itManager)
	if err != nil {
		t.Fatal(err)
	}
	return std
}
