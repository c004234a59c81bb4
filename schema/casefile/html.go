package casefile

import (
	"bytes"
	_ "embed"
	"fmt"
	"html/template"
	"time"

	"github.com/kutse-dev/kutse/schema/canon"
	"github.com/kutse-dev/kutse/schema/catalogue"
)

//go:embed case.html.tmpl
var pageText string

var page = template.Must(template.New("case.html").Funcs(template.FuncMap{
	"when": func(v any) string {
		switch t := v.(type) {
		case time.Time:
			return t.UTC().Format("2006-01-02 15:04:05 UTC")
		case *time.Time:
			return t.UTC().Format("2006-01-02 15:04:05 UTC")
		default:
			return ""
		}
	},
	"word":  func(v any) string { return word(fmt.Sprint(v)) },
	"short": func(d canon.Digest) string { return d.String()[:12] },
}).Parse(pageText))

// bilingual is Estonian and English for what the record writes in one word.
var bilingual = map[string]string{
	"gathering": "tõendite kogumine / gathering evidence", "assessing": "hindamisel / with assessors", "proposed": "komisjonis / before the committee",
	"awarded": "otsustatud anda / awarded", "registered": "registris / registered", "refused": "keeldutud / refused", "withdrawn": "tagasi võetud / withdrawn",
	"shown": "tõendatud / shown", "not_yet_shown": "veel tõendamata / not yet shown",
	"award": "anda / award", "refuse": "keelduda / refuse", "return": "tagasi hindamisele / return to assessment",
	"text": "tekst / text", "link": "viide / link", "file": "fail / file",
}

func word(s string) string {
	if both, ok := bilingual[s]; ok {
		return both
	}
	return s
}

// view is a case with the texts of its standard beside what was found.
type view struct {
	Case
	Std   Standard
	Texts map[string]string
}

// Text is what an indicator says in the standard.
func (v view) Text(id catalogue.IndicatorID) string { return v.Texts[id.String()] }

// On is the verdicts on one indicator, in the order they were given.
func (v view) On(id string) []Verdict {
	var all []Verdict
	for _, verdict := range v.Case.Verdicts {
		if verdict.Indicator.String() == id {
			all = append(all, verdict)
		}
	}
	return all
}

// Stray are the verdicts on indicators that the standard, as far as it can be read,
// does not have: they must not be missing from the page.
func (v view) Stray() []Verdict {
	var all []Verdict
	for _, verdict := range v.Case.Verdicts {
		if _, ok := v.Texts[verdict.Indicator.String()]; !ok {
			all = append(all, verdict)
		}
	}
	return all
}

// For is the evidence that was put forward for an indicator.
func (v view) For(id string) []EvidenceItem {
	var all []EvidenceItem
	for _, e := range v.Case.Evidence {
		for _, i := range e.Indicators {
			if i.String() == id {
				all = append(all, e)
			}
		}
	}
	return all
}

// Saw is the evidence with a digest, as a verdict names it.
func (v view) Saw(d canon.Digest) EvidenceItem {
	for _, e := range v.Case.Evidence {
		if e.Digest == d {
			return e
		}
	}
	return EvidenceItem{}
}

// HTML writes the whole case as one page for people: no scripts, nothing loaded
// from elsewhere. Texts that were erased are said to be erased. The same case and
// standard give the same bytes.
func HTML(c Case, std Standard) ([]byte, error) {
	var out bytes.Buffer
	if err := page.Execute(&out, view{Case: c, Std: std, Texts: std.indicatorTexts()}); err != nil {
		return nil, fmt.Errorf("the page of case %s: %w", c.Application, err)
	}
	return out.Bytes(), nil
}
