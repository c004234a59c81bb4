package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"text/tabwriter"
	"time"

	"github.com/kutse-dev/kutse/cmd/internal/cli"
	"github.com/kutse-dev/kutse/cmd/internal/client"
	"github.com/kutse-dev/kutse/cmd/internal/local"
	"github.com/kutse-dev/kutse/cmd/internal/play"
	"github.com/kutse-dev/kutse/deploy/dev"
	"github.com/kutse-dev/kutse/events/request"
	"github.com/kutse-dev/kutse/schema/application"
	"github.com/kutse-dev/kutse/schema/award"
	"github.com/kutse-dev/kutse/schema/catalogue"
	"github.com/kutse-dev/kutse/schema/fault"
	"github.com/kutse-dev/kutse/schema/person"
	"github.com/kutse-dev/kutse/schema/reading"
)

type demoCmd struct {
	Standard string     `help:"Key of the standard to play; standard list shows them." default:"it-manager-7" placeholder:"KEY"`
	Database string     `help:"A PostgreSQL that runs already, as a superuser; none is started." env:"KUTSE_DEV_DATABASE" placeholder:"URL"`
	Data     string     `help:"Keep the state in this folder; by default it is removed at the end." type:"path" placeholder:"DIR"`
	Offline  bool       `help:"Never fetch PostgreSQL." env:"KUTSE_OFFLINE"`
	Log      slog.Level `help:"What the services log: debug, info, warn or error." default:"warn"`
}

// Help gives an example.
func (demoCmd) Help() string {
	return `Starts everything in a folder that is removed at the end, and shows who does
what: a candidate's evidence, the assessors' verdicts, the committee's decision,
the register entry. Exits with 0 only if everything is as it must be.

Example:
  kutse-dev demo
  kutse-dev demo --standard salem-it-project-manager --json
  kutse-dev demo -v    (also what it cost)`
}

// demoResult is what the demo prints with --json.
type demoResult struct {
	Standard        string                `json:"standard"` // designation, or title where the register gave none
	Key             string                `json:"key"`
	Competences     int                   `json:"competences"`
	Indicators      int                   `json:"indicators"`
	Submissions     int                   `json:"submissions"`
	Verdicts        int                   `json:"verdicts"`
	Decision        award.Outcome         `json:"decision"`
	RegisterNumber  string                `json:"register_number"`
	Entry           request.RegisterEntry `json:"entry"`
	AuditRows       int                   `json:"audit_rows"`
	EventsPublished int                   `json:"events_published"`
	Stages          []play.Stage          `json:"stages"`
	Seconds         float64               `json:"seconds"`
	Log             proved                `json:"log"`            // where the decision stands
	Cost            *cost                 `json:"cost,omitempty"` // with -v
}

// Run plays the demonstration.
func (c *demoCmd) Run(ctx context.Context, g *cli.Globals, out *cli.Output) (err error) {
	std, err := catalogue.ByKey(c.Standard)
	if err != nil {
		return err
	}
	w := where{Data: c.Data, Ephemeral: c.Data == "", Database: c.Database, Offline: c.Offline, Log: c.Log}
	s, err := w.start(ctx, out, dev.Options{})
	if err != nil {
		return err
	}
	defer end(ctx, s, &err)
	watched, stop := watch(ctx, s)
	defer stop()
	result, err := demonstrate(watched, s, std, out, g.Verbose)
	if err != nil {
		return whatEnded(watched, err)
	}
	return out.Value(result, func(w io.Writer) error { return result.text(w) })
}

// whatEnded is err, or what ended ctx where that is the reason for err.
func whatEnded(ctx context.Context, err error) error {
	if cause := context.Cause(ctx); cause != nil {
		return cause
	}
	return err
}

// demonstrate plays one application and holds the record to what it must be.
func demonstrate(ctx context.Context, s *local.System, std *catalogue.Standard, out *cli.Output, verbose bool) (demoResult, error) {
	var before meter
	var err error
	if verbose {
		if before, err = read(ctx, s); err != nil {
			return demoResult{}, err
		}
	}
	began := time.Now()
	played, err := play.One(ctx, s.NATS, std, func(who person.ID, what string) {
		out.Tell("%10s  %-3s %s", time.Since(began).Round(time.Millisecond), who, what)
	})
	if err != nil {
		return demoResult{}, err
	}
	seconds := time.Since(began).Seconds()
	result, err := check(ctx, s, std, played.Case.Application)
	if err != nil {
		return result, err
	}
	result.Stages, result.Seconds = played.Stages, seconds
	if verbose {
		spent, err := costOf(ctx, s, before, played.Case.Application)
		if err != nil {
			return result, err
		}
		result.Cost = &spent
	}
	return result, nil
}

// check reads the record as the council does, through the door, and says what is
// not as it must be.
func check(ctx context.Context, s *local.System, std *catalogue.Standard, app application.ID) (demoResult, error) {
	council, err := client.Dial(s.NATS, play.Auditor)
	if err != nil {
		return demoResult{}, err
	}
	defer council.Close()
	var c request.Case
	if err := council.Ask(ctx, person.Council, "get", "application", request.OfApplication{Application: app, Purpose: reading.Audit}, &c); err != nil {
		return demoResult{}, err
	}
	stats, err := settled(ctx, council)
	if err != nil {
		return demoResult{}, err
	}
	rows, err := trail(ctx, council, app)
	if err != nil {
		return demoResult{}, err
	}
	result := demoResult{
		Standard: std.Name(), Key: std.Key, Submissions: c.Submissions, Verdicts: c.Verdicts,
		AuditRows: len(rows), EventsPublished: c.Position,
	}
	result.Competences, result.Indicators, _ = std.Counts()
	if len(c.Decisions) > 0 {
		last := c.Decisions[len(c.Decisions)-1]
		result.Decision = last.Outcome
		if result.Log, err = prove(ctx, council, last.Decision); err != nil {
			return result, err
		}
	}
	if c.Entry != nil {
		result.Entry, result.RegisterNumber = *c.Entry, c.Entry.Number
	}
	return result, wrong(std, c, stats, rows)
}

// wrong says what of the record is not as it must be after an award.
func wrong(std *catalogue.Standard, c request.Case, stats request.Stats, rows []request.AuditRow) error {
	_, _, assessable := std.Counts()
	seen := map[string]int{}
	for _, r := range rows {
		seen[r.Act]++
	}
	for _, must := range []struct {
		what string
		ok   bool
	}{
		{fmt.Sprintf("the case is registered, not %s", c.State), c.State == application.Registered && c.Entry != nil},
		{fmt.Sprintf("nothing is lacking, not %v", c.Lacking), len(c.Lacking) == 0},
		{fmt.Sprintf("every fact is published, not all but %d", stats.Unpublished), stats.Unpublished == 0},
		{fmt.Sprintf("each of %d indicators has its evidence, not %d", assessable, c.Submissions), c.Submissions >= assessable},
		{fmt.Sprintf("each of %d indicators has its verdict, not %d", assessable, c.Verdicts), c.Verdicts >= assessable},
		{fmt.Sprintf("each act has its audit row, not %v", seen), seen["evidence.submit"] >= assessable && seen["decision.make"] == 1 && seen["register.enter"] == 1},
	} {
		if !must.ok {
			return fault.Conflict.New("the record is not as it must be: %s", must.what)
		}
	}
	return nil
}

// settled counts the record once the relay has brought every fact out.
func settled(ctx context.Context, council *client.Client) (request.Stats, error) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	for {
		var stats request.Stats
		err := council.Ask(ctx, person.Council, "get", "stats", request.Nothing{}, &stats)
		if err != nil || stats.Unpublished == 0 {
			return stats, err
		}
		select {
		case <-ctx.Done():
			return stats, nil // wrong says what is missing
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// trail reads the whole audit trail of an application.
func trail(ctx context.Context, council *client.Client, app application.ID) ([]request.AuditRow, error) {
	var rows []request.AuditRow
	for ask := (request.AuditPage{Application: app, Purpose: reading.Audit}); ; {
		var page request.Audit
		if err := council.Ask(ctx, person.Council, "get", "audit", ask, &page); err != nil {
			return nil, err
		}
		rows = append(rows, page.Rows...)
		if page.Next == "" {
			return rows, nil
		}
		ask.After = page.Next
	}
}

func (r demoResult) text(w io.Writer) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	line := func(name string, value any) { fmt.Fprintf(t, "  %s\t%v\n", name, value) }
	fmt.Fprintf(t, "\nRegister entry %s\n", r.RegisterNumber)
	line("standard", r.Standard)
	line("holder", r.Entry.Candidate)
	line("valid", r.Entry.ValidFrom+" to "+r.Entry.ValidTo)
	line("decision", fmt.Sprintf("%s (%s)", r.Decision, r.Entry.Decision))
	fmt.Fprintf(t, "\nThe record\n")
	line("competences", r.Competences)
	line("indicators", r.Indicators)
	line("submissions", r.Submissions)
	line("verdicts", r.Verdicts)
	line("audit rows", r.AuditRows)
	line("events published", r.EventsPublished)
	line("decision", r.Log)
	fmt.Fprintf(t, "\nHow long it took\n")
	for _, s := range r.Stages {
		line(s.Stage, fmt.Sprintf("%.3f s", s.Seconds))
	}
	line("in all", fmt.Sprintf("%.3f s", r.Seconds))
	if r.Cost != nil {
		fmt.Fprintf(t, "\nWhat it cost\n")
		for _, item := range r.Cost.lines() {
			line(item.name, item.value)
		}
	}
	return t.Flush()
}
