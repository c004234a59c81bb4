// Package check verifies a record from its facts, for an auditor who does not
// trust the program that wrote it. It shares no code with what issues: it reads
// with SQL of its own, makes every digest anew, and has its own words for what
// the rules of assessment and award amount to. It writes nothing.
//
// Each rule is one small function with the sentence that it checks and where
// that comes from, in the file of its family. A new one goes into the list of
// its family, with a tampering in the tests that it alone finds.
package check

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"time"

	"github.com/kutse-dev/kutse/schema/fault"
	"github.com/kutse-dev/kutse/schema/seal/kek"
)

// Options say what to check and with what.
type Options struct {
	Database    string        // address of the record
	KEK         kek.KEK       // opens what is sealed; without it no content is checked
	Blobs       string        // folder of the evidence files; "" leaves them unchecked
	Application string        // only this case, by its id; "" for the whole record
	Now         time.Time     // when the check is made
	SealedIn    time.Duration // how long an audit row may wait for its place in the log
	Page        int           // cases read at once; 0 for 100. Memory follows it
	Progress    func(done, of int)
	Found       func(Fault) error // is told each fault as it is found; an error ends the check
}

// Fault is one thing that should not be so.
type Fault struct {
	Rule        string `json:"rule"`
	Application string `json:"application,omitempty"` // the case; empty outside of all cases
	Object      string `json:"object"`                // kind and id of what is wrong
	What        string `json:"what"`                  // in words
}

// String says it in one line.
func (f Fault) String() string {
	where := "outside of cases"
	if f.Application != "" {
		where = "case " + f.Application
	}
	return fmt.Sprintf("%s: %s: %s: %s", f.Rule, where, f.Object, f.What)
}

// Checked says what became of one rule.
type Checked struct {
	Rule       string `json:"rule"`
	Says       string `json:"says"`
	Source     string `json:"source"`
	Whole      bool   `json:"whole,omitempty"`  // about the record as a whole, and not about each case
	Cases      int    `json:"cases"`            // in which it was checked; 0 for a rule about the whole record
	Erased     int    `json:"erased,omitempty"` // cases whose content it could not see, because it was erased
	Faults     int    `json:"faults"`
	NotChecked string `json:"not_checked,omitempty"` // why it was not
}

// Report is what a check amounts to. It stands for what it has checked and for
// nothing else: see NotChecked of each rule.
type Report struct {
	Cases  int       `json:"cases"`
	Erased int       `json:"erased"` // cases of people who were erased: their content is gone, their facts were checked
	Faults int       `json:"faults"`
	Rules  []Checked `json:"rules"`
}

// Run checks a record, all of it at one moment. The error is a fault when there
// is nothing to check with: the database or the folder is not there, or no such
// case. What is wrong with the record is no error.
func Run(ctx context.Context, o Options) (_ Report, err error) {
	o.Page = cmp.Or(o.Page, 100)
	if o.Progress == nil {
		o.Progress = func(int, int) {}
	}
	if o.Blobs != "" {
		if _, err := os.Stat(o.Blobs); err != nil { // before anything makes it
			return Report{}, fault.Invalid.Because(err, "there is no folder of evidence files: %v", err)
		}
	}
	if o.Application != "" && !isUUID(o.Application) {
		return Report{}, fault.Invalid.New("%.80q is not the id of an application", o.Application)
	}
	r, err := open(ctx, o)
	if err != nil {
		return Report{}, err
	}
	defer func() { err = errors.Join(err, r.close()) }()
	c := &run{Options: o, reading: r}
	if err := c.cases(ctx); err != nil {
		return Report{}, err
	}
	if o.Application == "" {
		if err := c.outside(ctx); err != nil {
			return Report{}, err
		}
	}
	if err := c.whole(ctx); err != nil {
		return Report{}, err
	}
	return c.report(), nil
}

// run is one check on its way.
type run struct {
	Options
	*reading
	counts map[string]*Checked
	logs   *logs // once they are read
	seen   int
	erased int
	faults int
}

func (r *run) count(name string) *Checked {
	if r.counts == nil {
		r.counts = map[string]*Checked{}
	}
	if r.counts[name] == nil {
		r.counts[name] = &Checked{}
	}
	return r.counts[name]
}

// say is how a rule says that something is wrong.
type say func(object, format string, args ...any)

func (r *run) sayer(name, application string, failed *error) say {
	return func(object, format string, args ...any) {
		r.faults++
		r.count(name).Faults++
		if *failed == nil && r.Found != nil {
			*failed = r.Found(Fault{name, application, object, fmt.Sprintf(format, args...)})
		}
	}
}

// cases reads the cases page by page and has every rule look at each.
func (r *run) cases(ctx context.Context) error {
	total, err := r.countCases(ctx, r.Application)
	if err != nil {
		return err
	}
	if r.Application != "" && total == 0 {
		return fault.NotFound.New("there is no application %s", r.Application)
	}
	for after := ""; ; {
		page, err := r.page(ctx, r.Application, after, r.Page)
		if err != nil {
			return err
		}
		for _, one := range page {
			if err := r.one(one); err != nil {
				return err
			}
		}
		r.seen += len(page)
		r.Progress(r.seen, total)
		if len(page) < r.Page || r.Application != "" {
			return nil
		}
		after = page[len(page)-1].ID
	}
}

func (r *run) one(one *facts) error {
	if one.Erased {
		r.erased++
	}
	for _, rule := range rules() {
		if rule.each == nil || r.unmet(rule) != "" {
			continue
		}
		if one.Erased && slices.Contains(rule.needs, theKEK) {
			r.count(rule.name).Erased++
			continue
		}
		r.count(rule.name).Cases++
		if err := r.look(rule, one); err != nil {
			return err
		}
	}
	return nil
}

func (r *run) look(rule rule, one *facts) error {
	var failed error
	rule.each(one, r.sayer(rule.name, one.ID, &failed))
	return failed
}

// outside has the rules that also hold outside of cases look at what is there.
func (r *run) outside(ctx context.Context) error {
	return r.windows(ctx, func(part *facts) error {
		for _, rule := range rules() {
			if !rule.outside || r.unmet(rule) != "" {
				continue
			}
			if err := r.look(rule, part); err != nil {
				return err
			}
		}
		return nil
	})
}

// whole runs the rules that are about the record as a whole.
func (r *run) whole(ctx context.Context) error {
	for _, rule := range rules() {
		if rule.whole == nil || r.unmet(rule) != "" {
			continue
		}
		var failed error
		if err := rule.whole(ctx, r, r.sayer(rule.name, "", &failed)); err != nil || failed != nil {
			return errors.Join(err, failed)
		}
	}
	return nil
}

// unmet says in words why a rule cannot be checked; empty where it can.
func (r *run) unmet(of rule) string {
	if of.whole != nil && r.Application != "" {
		return "one case was asked for; this is about the whole record"
	}
	for _, n := range of.needs {
		switch {
		case n == theKeys && !r.hasKeys:
			return "the keys of people cannot be read here: kutse_keys.data_key is not in this database, or not for this role"
		case n == theKEK && (r.KEK == nil || !r.hasKeys):
			return "nothing that is sealed can be opened without the key-encryption key: --kek"
		case n == theBlobs && r.Blobs == "":
			return "the evidence files are not here: --blobs"
		}
	}
	return ""
}

func (r *run) report() Report {
	rep := Report{Cases: r.seen, Erased: r.erased, Faults: r.faults}
	for _, of := range rules() {
		done := *r.count(of.name)
		done.Rule, done.Says, done.Source, done.NotChecked = of.name, of.says, of.source, r.unmet(of)
		done.Whole = of.whole != nil
		rep.Rules = append(rep.Rules, done)
	}
	return rep
}
