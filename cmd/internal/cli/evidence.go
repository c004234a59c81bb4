package cli

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/kutse-dev/kutse/events/request"
	"github.com/kutse-dev/kutse/schema/application"
	"github.com/kutse-dev/kutse/schema/evidence"
	"github.com/kutse-dev/kutse/schema/person"
)

// showEvidence reads all evidence of an application, page by page, and prints it.
func showEvidence(ctx context.Context, g *Globals, out *Output, role person.Role, resource string, id application.ID) error {
	a, err := g.dial(role)
	if err != nil {
		return err
	}
	defer a.Close()
	verb := map[string]string{"evidence": "list", "case": "evidence"}[resource]
	list := request.EvidenceList{Items: []request.EvidenceItem{}}
	for page := (request.EvidencePage{Application: id}); ; {
		var more request.EvidenceList
		if err := a.ask(ctx, resource, verb, page, &more); err != nil {
			return err
		}
		list.Items = append(list.Items, more.Items...)
		if more.Next <= page.After { // the end, or a door that turns in circles
			break
		}
		page.After = more.Next
	}
	return out.Value(list, func(w io.Writer) error { return writeItems(w, list.Items) })
}

func writeItems(w io.Writer, items []request.EvidenceItem) error {
	if len(items) == 0 {
		_, err := fmt.Fprintln(w, "There is no evidence.")
		return err
	}
	for i, item := range items {
		if i > 0 {
			if _, err := fmt.Fprintln(w); err != nil {
				return err
			}
		}
		if err := writeItem(w, item); err != nil {
			return err
		}
	}
	return nil
}

func writeItem(w io.Writer, item request.EvidenceItem) error {
	var serves []string
	for _, id := range item.Indicators {
		serves = append(serves, id.String())
	}
	content := item.Text
	switch item.Kind {
	case evidence.Link:
		content = item.Link
	case evidence.File:
		content = fmt.Sprintf("%s, %d bytes, SHA-256 %s", item.MediaType, item.Size, item.File)
	case evidence.Text:
	}
	_, err := fmt.Fprintf(w, "%s for %s\nitem %s, position %d, %s\n%s\n",
		item.Kind, strings.Join(serves, ", "), item.Item, item.Position, instant(item.At), indent(content, "    "))
	return err
}
