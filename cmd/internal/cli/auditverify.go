package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/kutse-dev/kutse/schema/fault"
	"github.com/kutse-dev/kutse/schema/merkle"
)

// AuditVerifyCmd is `kutse audit verify`.
type AuditVerifyCmd struct {
	Log     string   `arg:"" name:"path|url" help:"Folder or address of the published log, one year or all."`
	Key     []string `sep:"none" placeholder:"VKEY|FILE" help:"Verifier key that you trust, or a file of them; else those that signed what --against names, or the ones beside the log."`
	Against []string `sep:"none" placeholder:"PATH" help:"What you kept from before: a copy of the log, or a single checkpoint. The log must go on from it."`
}

// Help implements kong.HelpProvider.
func (AuditVerifyCmd) Help() string {
	return `Needs no database, no server and nobody's permission. Names the first record that is wrong, and fails.

Whole logs can be made anew: whoever holds the keys can sign another one. So keep a copy or a checkpoint of your own, and hold the log to it.

Example:
  kutse audit verify ./log --key council.vkey --against checkpoint-of-march`
}

// verified is what the check of one log found.
type verified struct {
	Year string `json:"year,omitempty"`
	merkle.Report
}

// verification is what the check of all found.
type verification struct {
	OK      bool       `json:"ok"`
	Logs    []verified `json:"logs"`
	Missing []string   `json:"missing,omitempty"` // logs that were kept, or whose key is, and that are not there
}

// Run checks the log.
func (c *AuditVerifyCmd) Run(ctx context.Context, out *Output) error {
	keys, err := readVKeys(c.Key)
	if err != nil {
		return err
	}
	src, err := merkle.Open(c.Log)
	if err != nil {
		return err
	}
	logs, err := merkle.Logs(ctx, src)
	if err != nil {
		return err
	}
	kept, err := c.kept()
	if err != nil {
		return err
	}
	kept.Keys = keys
	result := verification{OK: true, Logs: []verified{}}
	tell := newTally(out)
	for _, l := range logs {
		o := kept
		o.Progress = tell.of("records", l.Year)
		report, err := l.Verify(ctx, o)
		tell.clear()
		if err != nil {
			return err
		}
		result.Logs = append(result.Logs, verified{l.Year, report})
		result.OK = result.OK && report.OK()
	}
	if result.Missing, err = missing(ctx, kept, result.Logs, logs[0].Year == ""); err != nil {
		return err
	}
	result.OK = result.OK && len(result.Missing) == 0
	if err := out.Value(result, result.write); err != nil {
		return err
	}
	return result.verdict()
}

// kept reads what was kept from before.
func (c *AuditVerifyCmd) kept() (merkle.Options, error) {
	var o merkle.Options
	for _, path := range c.Against {
		if info, err := os.Stat(path); err == nil && info.Mode().IsRegular() {
			note, err := os.ReadFile(path)
			if err != nil {
				return o, fault.Invalid.Because(err, "the checkpoint cannot be read: %v", err)
			}
			o.Checkpoints = append(o.Checkpoints, note)
			continue
		}
		src, err := merkle.Open(path)
		if err != nil {
			return o, err
		}
		o.Against = append(o.Against, src)
	}
	return o, nil
}

// missing lists the logs that were kept, or whose key the reader has, and that are not
// among those that are there. Of a
// single log, what was kept of other logs says nothing; that nothing of it was kept
// is an error, since the reader would think that it was compared.
func missing(ctx context.Context, kept merkle.Options, logs []verified, single bool) ([]string, error) {
	var list []string
	origins, err := originsOf(ctx, kept)
	if err != nil {
		return nil, err
	}
	if !single {
		for _, vkey := range kept.Keys {
			origin, _, _ := strings.Cut(vkey, "+")
			origins = append(origins, origin)
		}
		slices.Sort(origins)
		origins = slices.Compact(origins)
	}
	for _, origin := range origins {
		if !slices.ContainsFunc(logs, func(v verified) bool { return v.Origin == origin }) {
			list = append(list, origin)
		}
	}
	if !single {
		return list, nil
	}
	if len(list) > 0 && len(list) == len(origins) {
		return nil, fault.Invalid.New("nothing that --against names is of the log %s", logs[0].Origin)
	}
	return nil, nil
}

func originsOf(ctx context.Context, kept merkle.Options) ([]string, error) {
	notes := slices.Clone(kept.Checkpoints)
	for _, src := range kept.Against {
		logs, err := merkle.Logs(ctx, src)
		if err != nil {
			return nil, err
		}
		for _, l := range logs {
			note, err := l.Source.ReadFile(ctx, "checkpoint")
			if err != nil {
				return nil, fmt.Errorf("reading what was kept: %w", err)
			}
			notes = append(notes, note)
		}
	}
	var list []string
	for _, note := range notes {
		c, err := merkle.ParseCheckpoint(note)
		if err != nil {
			return nil, fmt.Errorf("reading what was kept: %w", err)
		}
		list = append(list, c.Origin)
	}
	slices.Sort(list)
	return slices.Compact(list), nil
}

func (r verification) verdict() error {
	for _, v := range r.Logs {
		if f, wrong := v.First(); wrong {
			return fault.Conflict.New("the log %s is not as it must be: %s", v.Origin, f.What)
		}
	}
	if len(r.Missing) > 0 {
		return fault.Conflict.New("the log %s is not there", r.Missing[0])
	}
	return nil
}

func (r verification) write(w io.Writer) error {
	for i, v := range r.Logs {
		if i > 0 {
			if _, err := io.WriteString(w, "\n"); err != nil {
				return err
			}
		}
		if err := v.write(w); err != nil {
			return err
		}
	}
	for _, origin := range r.Missing {
		if _, err := fmt.Fprintf(w, "\n%s is not there\n", origin); err != nil {
			return err
		}
	}
	return nil
}

func (v verified) write(w io.Writer) error {
	rows := [][]string{
		{"log", v.Origin},
		{"records", strconv.FormatInt(v.Size, 10)},
		{"last", instant(v.Last)},
		{"root", v.Root.String()},
		{"signed by", strings.Join(each(v.Report.Keys, merkle.KeyID), ", ")},
		{"trust", v.trust()},
		{"compared", v.compared()},
	}
	if v.Beyond > 0 {
		rows = append(rows, []string{"beyond", fmt.Sprintf("%d files are past the checkpoint: publishing is under way, or it was taken back", v.Beyond)})
	}
	for _, f := range v.Faults {
		rows = append(rows, []string{"WRONG", f.What})
	}
	if v.Stopped {
		rows = append(rows, []string{"", "and more: the rest was not read"})
	}
	switch {
	case v.OK() && !v.Pinned && v.Compared == 0:
		rows = append(rows, []string{"consistent in itself", "without a key or an older copy you only know that these files fit each other: anybody can make such a log, and whoever made this one can have made it anew"})
	case v.OK() && v.Compared == 0:
		rows = append(rows, []string{"all is well", "as its key signed it; that nothing was made anew or cut off, only an older copy shows"})
	case v.OK():
		rows = append(rows, []string{"all is well", ""})
	}
	return columns(w, rows)
}

// trust says what the verdict rests on.
func (v verified) trust() string {
	switch {
	case !v.Pinned:
		return "the keys beside the log: compare them with what the awarding body told you, or give --key"
	case len(v.Learned) > 0:
		return fmt.Sprintf("the keys that you have or that signed what you kept, and %d that they handed over to", len(v.Learned))
	default:
		return "the keys that you have or that signed what you kept"
	}
}

func (v verified) compared() string {
	if v.Compared == 0 {
		return "with nothing from before: give --against"
	}
	return fmt.Sprintf("with %d from before", v.Compared)
}

func each(list []string, f func(string) string) []string {
	out := make([]string, 0, len(list))
	for _, s := range list {
		out = append(out, f(s))
	}
	return out
}

// readVKeys reads verifier keys: each is one, or a file with one on each line, as the
// file keys beside a log.
func readVKeys(given []string) ([]string, error) {
	var keys []string
	for _, g := range given {
		text, err := os.ReadFile(g)
		switch {
		case err == nil:
			n := len(keys)
			for line := range strings.Lines(string(text)) {
				if vkey := strings.Fields(line); len(vkey) > 0 {
					keys = append(keys, vkey[0])
				}
			}
			if len(keys) == n {
				return nil, fault.Invalid.New("the file %s holds no verifier key", g)
			}
		case strings.Count(g, "+") >= 2:
			keys = append(keys, g)
		case errors.Is(err, os.ErrNotExist):
			return nil, fault.Invalid.New("%.200q is neither a verifier key, as in %s, nor a file of them", g, "kutse.example/audit/2026+0a1b2c3d+AQ…")
		default:
			return nil, fault.Invalid.Because(err, "the file of keys cannot be read: %v", err)
		}
	}
	return keys, nil
}
