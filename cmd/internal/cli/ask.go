package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/kutse-dev/kutse/cmd/internal/client"
	"github.com/kutse-dev/kutse/events/request"
	"github.com/kutse-dev/kutse/schema/canon"
	"github.com/kutse-dev/kutse/schema/fault"
	"github.com/kutse-dev/kutse/schema/person"
)

// asker asks at the door as one person in one role.
type asker struct {
	*client.Client
	role    person.Role
	timeout time.Duration
}

// dial connects as the person that --as names. Close it.
func (g *Globals) dial(role person.Role) (*asker, error) {
	uid, err := g.uid()
	if err != nil {
		return nil, err
	}
	c, err := client.Dial(g.NATSAddress(), uid)
	if err != nil {
		return nil, err
	}
	return &asker{Client: c, role: role, timeout: g.Timeout}, nil
}

// ask asks one thing and waits for the answer.
func (a *asker) ask(ctx context.Context, resource, verb string, q, reply any) error {
	ctx, cancel := context.WithTimeout(ctx, a.timeout)
	defer cancel()
	return a.Ask(ctx, a.role, resource, verb, q, reply)
}

// act asks for an act. While the door cannot be reached it is sent again, which
// is harmless; when the time is over, the person gets the id to go on with.
func (a *asker) act(ctx context.Context, resource, verb string, q request.Act) (request.Receipt, error) {
	ctx, cancel := context.WithTimeout(ctx, a.timeout)
	defer cancel()
	receipt, err := a.Act(ctx, a.role, resource, verb, q)
	if errors.Is(err, fault.Unavailable) {
		err = fault.Unavailable.Because(err, "%v\nWhether it was recorded is not known. The same command with --id %s is safe.", err, q.RequestID())
	}
	return receipt, err
}

// asking dials, asks one thing and returns the answer.
func asking[A any](ctx context.Context, g *Globals, role person.Role, resource, verb string, q any) (A, error) {
	var answer A
	a, err := g.dial(role)
	if err != nil {
		return answer, err
	}
	defer a.Close()
	return answer, a.ask(ctx, resource, verb, q, &answer)
}

// acting dials, acts and prints the receipt.
func acting(ctx context.Context, g *Globals, out *Output, role person.Role, resource, verb string, q request.Act) error {
	a, err := g.dial(role)
	if err != nil {
		return err
	}
	defer a.Close()
	return a.actAndPrint(ctx, out, resource, verb, q)
}

func (a *asker) actAndPrint(ctx context.Context, out *Output, resource, verb string, q request.Act) error {
	receipt, err := a.act(ctx, resource, verb, q)
	if err != nil {
		return err
	}
	return printReceipt(out, receipt)
}

// ActFlags stand with every act.
type ActFlags struct {
	ID string `placeholder:"UUID" help:"Id of the request; the same one again changes nothing and returns the same receipt."`
}

// acting is the id that the act goes by: the one given, or a new one.
func (f ActFlags) acting() (request.Acting, error) {
	if f.ID == "" {
		return client.NewID(), nil
	}
	return request.Acting{ID: f.ID}, request.CheckID("--id", f.ID)
}

// instant writes a time for people: in UTC, as the record has it.
func instant(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return t.UTC().Format("2006-01-02 15:04:05 UTC")
}

func printReceipt(out *Output, r request.Receipt) error {
	return out.Value(r, func(w io.Writer) error {
		rows := [][]string{{"request", r.Request}, {"record", r.Record}}
		if len(r.Records) > 1 {
			rows = rows[:1]
			for _, id := range r.Records {
				rows = append(rows, []string{"record", id})
			}
		}
		if r.Application != "" {
			rows = append(rows, []string{"application", string(r.Application)})
		}
		if r.Position > 0 {
			rows = append(rows, []string{"position", fmt.Sprint(r.Position)})
		}
		rows = append(rows, []string{"recorded", instant(r.At)}, []string{"digest", r.Digest.String()})
		if r.Salt != (canon.Salt{}) {
			rows = append(rows, []string{"salt", r.Salt.String()})
		}
		if r.Claimed != nil {
			rows = append(rows, claimedRows(r.Claimed)...)
		}
		return columns(w, rows)
	})
}
