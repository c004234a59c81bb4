package cli

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"

	"github.com/kutse-dev/kutse/schema/canon"
	"github.com/kutse-dev/kutse/schema/catalogue"
	"github.com/kutse-dev/kutse/schema/fault"
)

// StandardCmd is `kutse standard`.
type StandardCmd struct {
	Import StandardImportCmd `cmd:"" help:"Make a standard of a document."`
	List   StandardListCmd   `cmd:"" help:"List standards."`
	Show   StandardShowCmd   `cmd:"" help:"Print a standard."`
	Digest StandardDigestCmd `cmd:"" help:"Print the digest that names a version of a standard."`
}

// Help implements kong.HelpProvider.
func (StandardCmd) Help() string {
	return `A standard says what a person in an occupation can do, and the signs it is judged by.

Example:
  kutse standard list`
}

// StandardImportCmd is `kutse standard import`.
type StandardImportCmd struct {
	Kind   string `required:"" enum:"estqf,esco,minnesota-dual-training,king-county-class,salem-class" help:"Kind of document: estqf, esco, minnesota-dual-training, king-county-class or salem-class."`
	File   string `arg:"" help:"The document as text in UTF-8; - reads standard input."`
	Key    string `placeholder:"KEY" help:"Short name of the standard, instead of the one made from its title."`
	Title  string `placeholder:"TITLE" help:"Title of the standard, where the document does not say it."`
	Titles string `placeholder:"FILE" help:"Titles of competences, one a line, where the document does not set them off."`
	Out    string `short:"o" placeholder:"FILE" help:"Write the standard there instead of to standard output."`
	Load   bool   `help:"Put it into the record too, as an operator."`

	ActFlags `embed:""`
}

// Help implements kong.HelpProvider.
func (StandardImportCmd) Help() string {
	return `The standard is written as YAML. What was counted, repaired and noted is told on standard error.

Example:
  kutse standard import --kind estqf it-manager.txt -o it-manager-7.yaml`
}

// Run imports the document.
func (c *StandardImportCmd) Run(ctx context.Context, g *Globals, out *Output) error {
	if c.ID != "" && !c.Load {
		return fault.Invalid.New("--id goes with --load: nothing else is a request")
	}
	s, err := c.read()
	if err != nil {
		return err
	}
	if err := tell(out.Stderr, s); err != nil {
		return err
	}
	if err := c.write(out, s); err != nil || !c.Load {
		return err
	}
	return c.load(ctx, g, out, s)
}

// write writes the standard to its file. Without one it goes to standard output,
// unless the receipt of loading it goes there.
func (c *StandardImportCmd) write(out *Output, s *catalogue.Standard) error {
	switch {
	case c.Out != "":
		b, err := s.YAML()
		if err != nil {
			return err
		}
		return os.WriteFile(c.Out, b, 0o644)
	case c.Load:
		return nil
	default:
		return out.Value(s, func(w io.Writer) error { return writeStandard(w, s) })
	}
}

func (c *StandardImportCmd) read() (*catalogue.Standard, error) {
	opts := catalogue.Options{Key: c.Key, Title: c.Title}
	if c.Titles != "" {
		titles, err := readInput(c.Titles, linesOf)
		if err != nil {
			return nil, err
		}
		opts.Titles = titles
	}
	return readInput(c.File, func(in io.Reader) (*catalogue.Standard, error) {
		return catalogue.Import(catalogue.Scheme(c.Kind), c.File, in, opts)
	})
}

// tell says how large a standard came out, what was repaired, and what its
// owner should look at.
func tell(w io.Writer, s *catalogue.Standard) error {
	competences, statements, assessable := s.Counts()
	text := fmt.Sprintf("%s, version %s: %d competences, %d statements, %d of them assessable\n", s.Key, s.Version, competences, statements, assessable)
	for _, n := range s.Narrative {
		for _, r := range n.Repairs {
			text += fmt.Sprintf("repaired %s: %s\n", n.Heading, r)
		}
	}
	for _, k := range s.Competences() {
		for _, st := range k.Statements {
			for _, r := range st.Repairs {
				text += fmt.Sprintf("repaired %s: %s\n", catalogue.IndicatorID{Competence: k.Code, Ordinal: st.Ordinal}, r)
			}
		}
	}
	for _, n := range s.Notes {
		text += "note: " + n + "\n"
	}
	_, err := io.WriteString(w, text)
	return err
}

// StandardListCmd is `kutse standard list`.
type StandardListCmd struct {
	Loaded bool `help:"Those in the record, which one can apply for."`
}

// Help implements kong.HelpProvider.
func (StandardListCmd) Help() string {
	return "Lists the standards that come with the program, or those in the record.\n\nExample:\n  kutse standard list"
}

// standardLine is a standard in a list.
type standardLine struct {
	Key         string           `json:"key"`
	Version     string           `json:"version"`
	Scheme      catalogue.Scheme `json:"scheme"`
	Title       string           `json:"title"`
	Competences int              `json:"competences"`
	Statements  int              `json:"statements"`
	Assessable  int              `json:"assessable"`
	Digest      canon.Digest     `json:"digest"`
}

// Run lists the standards.
func (c *StandardListCmd) Run(ctx context.Context, g *Globals, out *Output) error {
	if c.Loaded {
		return listLoaded(ctx, g, out)
	}
	var all []standardLine
	var rows [][]string
	for _, s := range catalogue.All() {
		d, err := s.Digest()
		if err != nil {
			return err
		}
		l := standardLine{Key: s.Key, Version: s.Version, Scheme: s.Scheme, Title: s.Title, Digest: d}
		l.Competences, l.Statements, l.Assessable = s.Counts()
		all = append(all, l)
		rows = append(rows, []string{l.Key, l.Version, strconv.Itoa(l.Competences), strconv.Itoa(l.Statements), l.Title})
	}
	return out.Table(all, []string{"KEY", "VERSION", "COMPETENCES", "STATEMENTS", "TITLE"}, rows, "No standard comes with the program.")
}

// StandardShowCmd is `kutse standard show`.
type StandardShowCmd struct {
	Standard string `arg:"" name:"key|file" help:"Key of a standard that comes with the program, or a file in YAML; - reads standard input."`
	Loaded   bool   `help:"The one in the record that has this key."`
}

// Help implements kong.HelpProvider.
func (StandardShowCmd) Help() string {
	return "A file is checked before it is shown.\n\nExample:\n  kutse standard show it-manager-7"
}

// Run prints the standard.
func (c *StandardShowCmd) Run(ctx context.Context, g *Globals, out *Output) error {
	if c.Loaded {
		return showLoaded(ctx, g, out, c.Standard)
	}
	s, err := readStandard(c.Standard)
	if err != nil {
		return err
	}
	return out.Value(s, func(w io.Writer) error { return writeStandard(w, s) })
}

// StandardDigestCmd is `kutse standard digest`.
type StandardDigestCmd struct {
	Standard string `arg:"" name:"key|file" help:"Key of a standard that comes with the program, or a file in YAML; - reads standard input."`
}

// Help implements kong.HelpProvider.
func (StandardDigestCmd) Help() string {
	return "The digest is the SHA-256 of the standard as canonical JSON (RFC 8785).\n\nExample:\n  kutse standard digest it-manager-7"
}

// Run prints the digest.
func (c *StandardDigestCmd) Run(out *Output) error {
	s, err := readStandard(c.Standard)
	if err != nil {
		return err
	}
	d, err := s.Digest()
	if err != nil {
		return err
	}
	return out.Value(map[string]string{"key": s.Key, "version": s.Version, "digest": d.String()}, func(w io.Writer) error {
		_, err := fmt.Fprintln(w, d)
		return err
	})
}

// readStandard reads a standard by key, or from a file: a key has neither dot
// nor slash.
func readStandard(keyOrFile string) (*catalogue.Standard, error) {
	if keyOrFile != "-" && !strings.ContainsAny(keyOrFile, `./\`) {
		return catalogue.ByKey(keyOrFile)
	}
	return readInput(keyOrFile, catalogue.Read)
}

// readInput reads from a file, or from standard input for "-".
func readInput[T any](name string, read func(io.Reader) (T, error)) (T, error) {
	if name == "-" {
		return read(os.Stdin)
	}
	var none T
	info, err := os.Stat(name)
	switch {
	case os.IsNotExist(err):
		return none, fault.NotFound.Because(err, "there is no file %s", name)
	case err == nil && info.IsDir():
		return none, fault.Invalid.New("%s is a folder, not a file", name)
	}
	f, err := os.Open(name)
	if err != nil {
		return none, fault.Invalid.Because(err, "the file %s cannot be opened", name)
	}
	defer func() { _ = f.Close() }() // only read from
	return read(f)
}

// linesOf reads the lines that have something on them.
func linesOf(in io.Reader) ([]string, error) {
	var lines []string
	scan := bufio.NewScanner(io.LimitReader(in, 1<<20))
	for scan.Scan() {
		if l := strings.TrimSpace(scan.Text()); l != "" {
			lines = append(lines, l)
		}
	}
	if err := scan.Err(); err != nil {
		return nil, fault.Invalid.Because(err, "the titles cannot be read: %v", err)
	}
	return lines, nil
}
