package cli

import (
	"context"
	"fmt"
	"io"
	"strconv"
	"time"

	"github.com/kutse-dev/kutse/cmd/internal/config"
	"github.com/kutse-dev/kutse/schema/fault"
	"github.com/kutse-dev/kutse/schema/postgres/check"
	"github.com/kutse-dev/kutse/schema/seal/kek"
)

// AuditCheckCmd is `kutse audit check`.
type AuditCheckCmd struct {
	config.Database `embed:""`
	config.Keys     `embed:""`
	Blobs           string        `help:"Folder of the evidence files; without it they are not checked." env:"KUTSE_BLOBS" type:"path" placeholder:"DIR"`
	Application     string        `placeholder:"ID" help:"Check only this case."`
	SealedWithin    time.Duration `default:"5m" help:"How long an audit row may wait for its place in the log."`
}

// Help implements kong.HelpProvider.
func (AuditCheckCmd) Help() string {
	return `Reads the facts of every case at one moment and applies the rules anew, in code that issues nothing. Names each case, object and rule that does not hold, and what could not be checked, and fails when something is wrong. Changes nothing.

Example:
  kutse audit check --database-file /run/secrets/kutse-database \
    --kek file:/etc/kutse/kek.json --blobs /srv/blobs`
}

// Run checks the record.
func (c *AuditCheckCmd) Run(ctx context.Context, out *Output) error {
	url, err := c.URL()
	if err != nil {
		return err
	}
	tell := newTally(out)
	o := check.Options{
		Database: url, Blobs: c.Blobs, Application: c.Application, Now: time.Now(), SealedIn: c.SealedWithin,
		Found: func(f check.Fault) error {
			tell.clear()
			return out.Line(f, f.String())
		},
	}
	if c.SealedWithin < 0 {
		return fault.Invalid.New("--sealed-within is not negative")
	}
	if c.KEK != "" {
		if o.KEK, err = kek.Open(c.KEK); err != nil {
			return err
		}
	}
	cases := tell.of("cases", "")
	o.Progress = func(done, of int) { cases(int64(done), int64(of)) }
	report, err := check.Run(ctx, o)
	tell.clear()
	if err != nil {
		return err
	}
	if err := c.summary(out, report); err != nil {
		return err
	}
	if report.Faults > 0 {
		return fault.Conflict.New("faults in the record: %d", report.Faults)
	}
	return nil
}

// summary says what was checked, and what was not.
func (c *AuditCheckCmd) summary(out *Output, report check.Report) error {
	if out.JSON {
		return out.Line(struct {
			Report check.Report `json:"report"`
		}{report}, "")
	}
	return out.Value(report, func(w io.Writer) error {
		rows := [][]string{{"RULE", "CHECKED", "FAULTS", "WHAT HOLDS"}}
		for _, r := range report.Rules {
			rows = append(rows, []string{r.Rule, checked(r), strconv.Itoa(r.Faults), r.Says})
		}
		if err := columns(w, rows); err != nil {
			return err
		}
		for _, r := range report.Rules {
			if r.NotChecked != "" {
				fmt.Fprintf(w, "not checked: %s: %s\n", r.Rule, r.NotChecked)
			}
		}
		_, err := fmt.Fprintf(w, "%d cases, %d of them of people who were erased; %d faults\n", report.Cases, report.Erased, report.Faults)
		return err
	})
}

// checked says in words over what a rule was checked.
func checked(r check.Checked) string {
	switch {
	case r.NotChecked != "":
		return "no"
	case r.Whole:
		return "the record"
	case r.Erased > 0:
		return fmt.Sprintf("%d cases; %d erased", r.Cases, r.Erased)
	}
	return fmt.Sprintf("%d cases", r.Cases)
}
