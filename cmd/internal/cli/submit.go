package cli

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/kutse-dev/kutse/events/request"
	"github.com/kutse-dev/kutse/schema/application"
	"github.com/kutse-dev/kutse/schema/canon"
	"github.com/kutse-dev/kutse/schema/catalogue"
	"github.com/kutse-dev/kutse/schema/evidence"
	"github.com/kutse-dev/kutse/schema/fault"
	"github.com/kutse-dev/kutse/schema/person"
)

// CandidateSubmitCmd is `kutse candidate submit`.
type CandidateSubmitCmd struct {
	Application application.ID          `arg:"" help:"Id of the application."`
	Indicators  []catalogue.IndicatorID `arg:"" help:"What it is evidence for, as in B.2.3/1."`
	Text        string                  `xor:"content" required:"" placeholder:"TEXT" help:"Your own words; - reads standard input."`
	TextFile    string                  `xor:"content" required:"" placeholder:"FILE" help:"File with your own words in UTF-8."`
	Link        string                  `xor:"content" required:"" placeholder:"URL" help:"Web address."`
	File        string                  `xor:"content" required:"" placeholder:"PATH" help:"File, which is sent first."`
	ActFlags    `embed:""`
}

// Help implements kong.HelpProvider.
func (CandidateSubmitCmd) Help() string {
	return `One piece of evidence may serve several indicators.

Example:
  kutse candidate submit $APP B.2.3/1 B.2.3/2 --file plan.pdf --as c-7f3a`
}

// Run submits the evidence.
func (c *CandidateSubmitCmd) Run(ctx context.Context, g *Globals, out *Output) error {
	id, err := c.acting()
	if err != nil {
		return err
	}
	q := request.SubmitEvidence{Acting: id, Application: c.Application, Indicators: c.Indicators}
	if err := c.content(&q); err != nil {
		return err
	}
	a, err := g.dial(person.Candidate)
	if err != nil {
		return err
	}
	defer a.Close()
	if c.File != "" {
		digest, err := a.upload(ctx, out, c.File)
		if err != nil {
			return err
		}
		q.Kind, q.File = evidence.File, &digest
	}
	return a.actAndPrint(ctx, out, "evidence", "submit", q)
}

// content fills in a text or a link; a file is filled in once it is sent.
func (c *CandidateSubmitCmd) content(q *request.SubmitEvidence) (err error) {
	switch {
	case c.Link != "":
		q.Kind, q.Link = evidence.Link, c.Link
		return nil
	case c.File != "":
		return nil
	case c.TextFile != "":
		q.Text, err = readInput(c.TextFile, wholeText)
	case c.Text == "-":
		q.Text, err = readInput("-", wholeText)
	default:
		q.Text = c.Text
	}
	q.Kind = evidence.Text
	if err == nil && strings.TrimSpace(q.Text) == "" {
		return fault.Invalid.New("there is nothing in it; give one of --text, --text-file, --link and --file")
	}
	return err
}

// maxText is the most that is read of a text: more than any door takes.
const maxText = 1 << 20

func wholeText(in io.Reader) (string, error) {
	b, err := io.ReadAll(io.LimitReader(in, maxText+1))
	if err != nil {
		return "", fault.Invalid.Because(err, "the text cannot be read: %v", err)
	}
	if len(b) > maxText {
		return "", fault.Invalid.New("the text has more than %d bytes; give it with --file", maxText)
	}
	return string(b), nil
}

// CandidateUploadCmd is `kutse candidate upload`.
type CandidateUploadCmd struct {
	Path string `arg:"" help:"The file."`
}

// Help implements kong.HelpProvider.
func (CandidateUploadCmd) Help() string {
	return `The file can be put forward later, with submit --file, without being sent again. An upload that broke off goes on where it stopped.

Example:
  kutse candidate upload plan.pdf --as c-7f3a`
}

// Run sends the file.
func (c *CandidateUploadCmd) Run(ctx context.Context, g *Globals, out *Output) error {
	a, err := g.dial(person.Candidate)
	if err != nil {
		return err
	}
	defer a.Close()
	digest, err := a.upload(ctx, out, c.Path)
	if err != nil {
		return err
	}
	return out.Value(map[string]string{"sha256": digest.String()}, func(w io.Writer) error {
		_, err := fmt.Fprintln(w, digest)
		return err
	})
}

// upload sends a file. It gives up when nothing arrives for as long as the
// timeout, however long the whole takes.
func (a *asker) upload(ctx context.Context, out *Output, path string) (canon.Digest, error) {
	file, err := openFile(path)
	if err != nil {
		return canon.Digest{}, err
	}
	defer func() { _ = file.Close() }() // only read from
	ctx, alive, stop := withPatience(ctx, a.timeout)
	defer stop()
	tell := newProgress(out, filepath.Base(path), "sent")
	digest, err := a.Upload(ctx, file, func(sent, size int64) {
		alive()
		tell.at(sent, size)
	})
	return digest, patienceOver(ctx, err)
}

func openFile(path string) (*os.File, error) {
	info, err := os.Stat(path)
	switch {
	case os.IsNotExist(err):
		return nil, fault.NotFound.Because(err, "there is no file %s", path)
	case err == nil && !info.Mode().IsRegular():
		return nil, fault.Invalid.New("%s is not a file", path)
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, fault.Invalid.Because(err, "the file %s cannot be opened: %v", path, err)
	}
	return f, nil
}
