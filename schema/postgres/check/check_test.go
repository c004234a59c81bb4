package check

import (
	"slices"
	"strings"
	"testing"
)

func TestAPlayedRecordHasNoFaults(t *testing.T) {
	t.Parallel()
	p := begin(t)
	p.sealLog()
	report, faults := p.check()
	for _, f := range faults {
		t.Error(f)
	}
	if report.Cases != 5 || report.Erased != 1 || report.Faults != 0 {
		t.Errorf("checked %d cases, %d of erased people, %d faults; want 5, 1, 0", report.Cases, report.Erased, report.Faults)
	}
	for _, r := range report.Rules {
		switch {
		case r.NotChecked != "":
			t.Errorf("%s was not checked: %s", r.Rule, r.NotChecked)
		case !r.Whole && r.Cases+r.Erased != 5:
			t.Errorf("%s was checked in %d cases and %d of erased people, want 5 in all", r.Rule, r.Cases, r.Erased)
		}
	}
}

func TestWhatCannotBeCheckedIsSaid(t *testing.T) {
	t.Parallel()
	p := begin(t)
	p.sealLog()
	for name, c := range map[string]struct {
		change func(*Options)
		want   []string
	}{
		"without a key": {func(o *Options) { o.KEK, o.Blobs = nil, "" }, []string{"assessment.reads", "award.reads", "evidence.file", "evidence.text"}},
		"without files": {func(o *Options) { o.Blobs = "" }, []string{"evidence.file"}},
		"one case": {func(o *Options) { o.Application = p.cases["mari"] }, []string{
			"erasure.act", "erasure.key", "erasure.keyless", "log.checkpoint", "log.cosigned", "log.late", "log.leaf", "log.nodes", "log.positions", "log.sealed",
			"log.signature", "log.told", "receipt.audited", "record.case", "record.guarded", "register.number", "sample.drawn",
		}},
	} {
		report, faults := p.check(c.change)
		var not []string
		for _, r := range report.Rules {
			if r.NotChecked != "" {
				not = append(not, r.Rule)
			}
		}
		slices.Sort(not)
		if !slices.Equal(not, c.want) || len(faults) > 0 {
			t.Errorf("%s: not checked %v, faults %v; want not checked %v", name, not, faults, c.want)
		}
	}
}

// Whoever adds a table of facts says here how its rows are accounted for.
func TestEveryTableOfFactsIsAccountedFor(t *testing.T) {
	t.Parallel()
	p := begin(t)
	var there []string
	if err := p.super.Select(&there, `
SELECT c.relname FROM pg_class c WHERE c.relnamespace = 'kutse'::regnamespace AND NOT c.relispartition
   AND EXISTS (SELECT 1 FROM pg_trigger g WHERE g.tgrelid = c.oid AND g.tgname = 'no_change') ORDER BY c.relname COLLATE "C"`); err != nil {
		t.Fatal(err)
	}
	var listed []string
	for name := range tables {
		listed = append(listed, name)
	}
	slices.Sort(listed)
	if !slices.Equal(there, listed) {
		t.Errorf("append-only are %v, accounted for are %v", there, listed)
	}
}

func TestEveryRuleSaysWhatItChecksAndWhy(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, r := range rules() {
		if seen[r.name] || strings.Count(r.name, ".") != 1 || !strings.HasSuffix(r.says, ".") || r.source == "" || (r.each == nil) == (r.whole == nil) {
			t.Errorf("%+v has no name of its own, no sentence, no source, or not just one way to be checked", r.name)
		}
		seen[r.name] = true
	}
}
