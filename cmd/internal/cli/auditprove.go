package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/kutse-dev/kutse/events/request"
	"github.com/kutse-dev/kutse/schema/fault"
	"github.com/kutse-dev/kutse/schema/merkle"
	"github.com/kutse-dev/kutse/schema/person"
)

// AuditProveCmd is `kutse audit prove`.
type AuditProveCmd struct {
	Record string `arg:"" help:"Id of an application, evidence, a verdict, a decision, an act, or a number of the register."`
	Out    string `short:"o" placeholder:"FILE" help:"Write the proof there; an existing file is left alone."`
}

// Help implements kong.HelpProvider.
func (AuditProveCmd) Help() string {
	return `A proof (C2SP tlog-proof) shows to anyone who has the log's verifier key that the entry stands in the log. The entry goes along in its extra line. What was recorded a moment ago is waited for.

Example:
  kutse audit prove $DECISION -o decision.tlog-proof --as c-7f3a`
}

// Run prints the proof.
func (c *AuditProveCmd) Run(ctx context.Context, g *Globals, out *Output) error {
	if c.Out != "" {
		if err := vacant(c.Out); err != nil {
			return err
		}
	}
	proof, err := c.prove(ctx, g)
	if err != nil {
		return err
	}
	if c.Out != "" {
		if err := os.WriteFile(c.Out, []byte(proof.Proof), 0o644); err != nil { //nolint:gosec // a proof is for others
			return fault.Invalid.Because(err, "the proof cannot be written: %v", err)
		}
	}
	return out.Value(proof, func(w io.Writer) error {
		if err := columns(w, [][]string{
			{"record", proof.Record},
			{"audit row", proof.Audit},
			{"log", strconv.Itoa(proof.Year)},
			{"position", strconv.FormatInt(proof.Position, 10)},
		}); err != nil {
			return err
		}
		if c.Out != "" {
			_, err := fmt.Fprintf(w, "proof      %s\n", c.Out)
			return err
		}
		_, err := io.WriteString(w, "\n"+proof.Entry+"\n\n"+proof.Proof)
		return err
	})
}

// sealPause is the pause before asking again for what is not sealed yet.
const sealPause = 300 * time.Millisecond

// prove asks, and for as long as --timeout says again while the record has no place
// in the log yet.
func (c *AuditProveCmd) prove(ctx context.Context, g *Globals) (request.Proof, error) {
	ctx, cancel := context.WithTimeout(ctx, g.Timeout)
	defer cancel()
	for {
		proof, err := inFirstRole[request.Proof](ctx, g, []person.Role{person.Council, person.Committee, person.Candidate},
			"log", "prove", request.OfRecord{Record: c.Record})
		if fault.Of(err) != fault.Unavailable || !strings.Contains(err.Error(), "not sealed") {
			return proof, err
		}
		select {
		case <-ctx.Done():
			return proof, err
		case <-time.After(sealPause):
		}
	}
}

// AuditCheckProofCmd is `kutse audit check-proof`.
type AuditCheckProofCmd struct {
	Proof string   `arg:"" help:"The proof, as audit prove -o writes it."`
	Entry string   `placeholder:"FILE" help:"The entry that it is to be about; else the one in the proof's extra line."`
	Key   []string `sep:"none" required:"" placeholder:"VKEY|FILE" help:"Verifier key of the log that you trust, or a file of them."`
}

// Help implements kong.HelpProvider.
func (AuditCheckProofCmd) Help() string {
	return `Needs no database and no server.

Example:
  kutse audit check-proof decision.tlog-proof --key council.vkey`
}

// proven is what a proof showed.
type proven struct {
	Origin   string   `json:"origin"`
	Position int64    `json:"position"`
	Size     int64    `json:"size"`
	Signed   []string `json:"signed"`
	Entry    string   `json:"entry"`
}

// Run checks the proof.
func (c *AuditCheckProofCmd) Run(_ context.Context, out *Output) error {
	keys, err := readVKeys(c.Key)
	if err != nil {
		return err
	}
	text, err := os.ReadFile(c.Proof)
	if err != nil {
		return unreadable(err, "proof")
	}
	proof, err := merkle.ParseProof(text)
	if err != nil {
		return err
	}
	entry := proof.Extra
	if c.Entry != "" {
		if entry, err = os.ReadFile(c.Entry); err != nil {
			return unreadable(err, "entry")
		}
		entry = []byte(strings.TrimSuffix(string(entry), "\n")) // of an editor: an entry ends with its brace
	}
	if entry == nil {
		return fault.Invalid.New("the proof does not carry its entry: give it with --entry FILE")
	}
	at, err := proof.Verify(entry, keys)
	if err != nil {
		return err
	}
	leaf, err := merkle.ParseEntry(entry)
	if err != nil {
		return err
	}
	return out.Value(proven{at.Origin, proof.Position, at.Size, at.Signed, string(entry)}, func(w io.Writer) error {
		rows := [][]string{
			{"proven", fmt.Sprintf("record %d of %s", proof.Position, at.Origin)},
			{"at", fmt.Sprintf("%d records, signed by %s", at.Size, strings.Join(each(at.Signed, merkle.KeyID), ", "))},
			{"time", instant(leaf.Time)},
			{"act", leaf.Act},
			{"by", leaf.Actor + " as " + leaf.Role},
			{"object", leaf.Object},
		}
		if leaf.Application != "" {
			rows = append(rows, []string{"application", leaf.Application})
		}
		for _, r := range leaf.Records {
			rows = append(rows, []string{"recorded", r.String()})
		}
		return columns(w, rows)
	})
}

func unreadable(err error, what string) error {
	if errors.Is(err, os.ErrNotExist) {
		return fault.NotFound.Because(err, "there is no such %s: %v", what, err)
	}
	return fault.Invalid.Because(err, "the %s cannot be read: %v", what, err)
}
