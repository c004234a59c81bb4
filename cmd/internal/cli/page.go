package cli

import "context"

// pages asks page after page: ask makes the request for what follows after, take
// keeps a page and says what follows it.
func pages[A any](ctx context.Context, a *asker, resource, verb string, ask func(after string) any, take func(page A) (next string, err error)) error {
	for after := ""; ; {
		var page A
		if err := a.ask(ctx, resource, verb, ask(after), &page); err != nil {
			return err
		}
		next, err := take(page)
		if err != nil || next == "" || next == after { // the end, or a door that turns in circles
			return err
		}
		after = next
	}
}
