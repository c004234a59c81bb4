package cli

import (
	"context"
	"fmt"
	"io"

	"github.com/kutse-dev/kutse/events/request"
	"github.com/kutse-dev/kutse/schema/application"
	"github.com/kutse-dev/kutse/schema/person"
)

// CouncilFindingCmd is `kutse council finding`.
type CouncilFindingCmd struct {
	File FindingFileCmd `cmd:"" help:"Put what you found into the record."`
	List FindingListCmd `cmd:"" help:"List what auditors found."`
}

// Help implements kong.HelpProvider.
func (CouncilFindingCmd) Help() string {
	return "Example:\n  kutse council finding list --as n-c46b"
}

// FindingFileCmd is `kutse council finding file`.
type FindingFileCmd struct {
	Application application.ID `arg:"" help:"Id of the application."`
	Kind        string         `required:"" enum:"nonconformity,observation" placeholder:"KIND" help:"nonconformity: a requirement was not met; observation: worth saying."`
	Text        string         `required:"" placeholder:"TEXT" help:"What you found."`
	Object      string         `placeholder:"ID" help:"Record that it is about; the whole case when left out."`
	ActFlags    `embed:""`
}

// Help implements kong.HelpProvider.
func (FindingFileCmd) Help() string {
	return "Example:\n  kutse council finding file $APP --kind observation --as n-c46b \\\n    --text \"The grounds repeat the proposal word for word.\""
}

// Run files the finding.
func (c *FindingFileCmd) Run(ctx context.Context, g *Globals, out *Output) error {
	id, err := c.acting()
	if err != nil {
		return err
	}
	return acting(ctx, g, out, person.Council, "audit-finding", "file", request.FileAuditFinding{
		Acting: id, Application: c.Application, Object: c.Object, Kind: request.AuditFindingKind(c.Kind), Text: c.Text,
	})
}

// FindingListCmd is `kutse council finding list`.
type FindingListCmd struct {
	Application  application.ID `placeholder:"ID" help:"Only those of one application."`
	PurposeFlags `embed:""`
}

// Help implements kong.HelpProvider.
func (FindingListCmd) Help() string {
	return `With --application also the texts; the candidate sees that they were read.

Example:
  kutse council finding list --as n-c46b
  kutse council finding list --application $APP --as n-c46b`
}

// Run lists the findings.
func (c *FindingListCmd) Run(ctx context.Context, g *Globals, out *Output) error {
	a, err := g.dial(person.Council)
	if err != nil {
		return err
	}
	defer a.Close()
	all := request.AuditFindings{Findings: []request.AuditFinding{}}
	if err := pages(ctx, a, "audit-finding", "list", func(after string) any {
		return request.AuditFindingPage{Application: c.Application, Purpose: c.purpose(), After: after}
	}, func(page request.AuditFindings) (string, error) {
		all.Findings = append(all.Findings, page.Findings...)
		return page.Next, nil
	}); err != nil {
		return err
	}
	return out.Value(all, func(w io.Writer) error {
		if len(all.Findings) == 0 {
			_, err := fmt.Fprintln(w, "Nothing was found.")
			return err
		}
		for i, f := range all.Findings {
			if i > 0 {
				if _, err := fmt.Fprintln(w); err != nil {
					return err
				}
			}
			if err := writeFinding(w, f, c.Application != ""); err != nil {
				return err
			}
		}
		return nil
	})
}

// writeFinding writes a finding, its text where the texts were asked for.
func writeFinding(w io.Writer, f request.AuditFinding, withText bool) error {
	about := string(f.Application)
	if f.Object != "" {
		about += ", record " + f.Object
	}
	if _, err := fmt.Fprintf(w, "%s in %s\nfinding %s, by %s, %s\n", f.Kind, about, f.Finding, f.By, instant(f.At)); err != nil || !withText {
		return err
	}
	text := f.Text
	if text == "" {
		text = "(the person is erased)"
	}
	_, err := fmt.Fprintln(w, indent(text, "    "))
	return err
}
