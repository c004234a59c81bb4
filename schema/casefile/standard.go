package casefile

import (
	"bytes"
	"encoding/json"
	"strconv"
	"strings"

	"github.com/kutse-dev/kutse/schema/canon"
	"github.com/kutse-dev/kutse/schema/catalogue"
)

// Standard is a standard as far as it can be read. A receiver may meet a version
// that it never had, and a format that it does not know: it is shown all the same.
type Standard struct {
	// Known is the standard where this software reads its format whole; else nil.
	Known   *catalogue.Standard
	Key     string
	Version string
	Title   string
	Groups  []StandardGroup // as far as there are groups with competences in it
	// Text is all of it, indented where it is JSON: what to show when Known is nil.
	Text string
}

// StandardGroup is a part of a standard.
type StandardGroup struct {
	Title       string
	Competences []StandardCompetence
}

// StandardCompetence is a competence with the texts of its indicators.
type StandardCompetence struct {
	Code       string
	Title      string
	Indicators []StandardIndicator
}

// StandardIndicator is the text of one indicator, named as in B.2.3/1.
type StandardIndicator struct {
	ID   string
	Text string
}

// ReadStandard reads a standard whose canonical form has the digest want. It never
// fails: what it does not understand is in Text.
func ReadStandard(text []byte, want canon.Digest) Standard {
	s := Standard{Text: strings.ToValidUTF8(string(text), "\uFFFD")}
	var any any
	if err := json.Unmarshal(text, &any); err != nil {
		return s
	}
	var pretty bytes.Buffer
	if json.Indent(&pretty, text, "", "  ") == nil {
		s.Text = strings.ToValidUTF8(pretty.String(), "\uFFFD")
	}
	object := asObject(any)
	s.Key, s.Version, s.Title = asText(object["key"]), asText(object["version"]), asText(object["title"])
	for _, g := range asList(object["groups"]) {
		s.Groups = append(s.Groups, readGroup(asObject(g)))
	}
	s.Known = knownStandard(text, want)
	return s
}

// knownStandard reads the standard as ours: no word is unknown, and what was read
// has the same digest, so that nothing was passed over.
func knownStandard(text []byte, want canon.Digest) *catalogue.Standard {
	std := new(catalogue.Standard)
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.DisallowUnknownFields()
	if err := dec.Decode(std); err != nil {
		return nil
	}
	if got, err := std.Digest(); err != nil || got != want {
		return nil
	}
	return std
}

func readGroup(object map[string]any) StandardGroup {
	g := StandardGroup{Title: asText(object["title"])}
	for _, v := range asList(object["competences"]) {
		competence := asObject(v)
		c := StandardCompetence{Code: asText(competence["code"]), Title: asText(competence["title"])}
		for _, v := range asList(competence["statements"]) {
			statement := asObject(v)
			c.Indicators = append(c.Indicators, StandardIndicator{
				ID: c.Code + "/" + asText(statement["ordinal"]), Text: asText(statement["text"]),
			})
		}
		g.Competences = append(g.Competences, c)
	}
	return g
}

func asObject(v any) map[string]any { object, _ := v.(map[string]any); return object }
func asList(v any) []any            { list, _ := v.([]any); return list }

func asText(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	default:
		return ""
	}
}

// indicatorTexts finds the text of each indicator by its id.
func (s Standard) indicatorTexts() map[string]string {
	texts := map[string]string{}
	for _, g := range s.Groups {
		for _, c := range g.Competences {
			for _, i := range c.Indicators {
				texts[i.ID] = i.Text
			}
		}
	}
	return texts
}
