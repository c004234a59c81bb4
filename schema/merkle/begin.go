package merkle

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"io/fs"
	"slices"

	"github.com/kutse-dev/kutse/schema/fault"
)

// begin reads the checkpoint and settles whom to trust.
func begin(ctx context.Context, src Source, o Options) (*verification, error) {
	if err := checkKeys(o.Keys); err != nil {
		return &verification{}, err
	}
	v := &verification{src: src, o: o, odd: map[int64]*bundle{}, levels: make([][]Hash, 2), seed: maphash.MakeSeed()}
	v.report.Faults = []Fault{}
	note, err := src.ReadFile(ctx, checkpointFile)
	if errors.Is(err, fs.ErrNotExist) {
		return v, fault.NotFound.Because(err, "no log is published here: there is no file %s", checkpointFile)
	}
	if err != nil {
		return v, fmt.Errorf("reading the checkpoint: %w", err)
	}
	if v.c, err = ParseCheckpoint(note); err == nil {
		_, v.year, err = ParseOrigin(v.c.Origin)
	}
	if err != nil {
		v.unreadable = true
		v.fault(0, "%v; nothing in it is proven", err)
		return v, nil
	}
	v.report.Origin, v.report.Size, v.report.Root = v.c.Origin, v.c.Size, v.c.Root
	olds, err := v.kept(ctx)
	if err != nil {
		return v, err
	}
	if err := v.settleTrust(ctx, olds); err != nil {
		return v, err
	}
	signed, err := v.trust.open(note)
	if err != nil {
		v.untrusty = fault.Message(err)
	} else {
		v.report.Keys = signed.Signed
	}
	for _, o := range olds {
		v.addOld(o)
	}
	v.report.Compared = len(v.olds)
	for _, c := range v.trust.transitions {
		v.olds = append(v.olds, old{c, nil, fmt.Sprintf("the change of keys at %d", c.Size)})
	}
	return v, nil
}

func checkKeys(vkeys []string) error {
	known := verifiers{}
	for _, vkey := range vkeys {
		if err := known.add(vkey); err != nil {
			return err
		}
	}
	return nil
}

// settleTrust begins with the caller's keys, else with those that signed what the
// caller kept, else with the one published beside the log. What is published beside
// the log says who may have signed; whom to trust, it says only where nothing better
// is there.
func (v *verification) settleTrust(ctx context.Context, olds []old) error {
	published, err := readKeys(ctx, v.src)
	if err != nil {
		if !absent(err) {
			return err
		}
		v.fault(-1, "the keys published beside the log cannot be read: %v", err)
	}
	// What was kept comes first: a change of keys in it stands, whatever the log says
	// of it today.
	var known []Key
	for _, o := range olds {
		if o.Next != "" {
			known = append(known, Key{VKey: o.Next, Transition: o.Note})
		}
		if o.src == nil {
			continue
		}
		keys, err := readKeys(ctx, o.src)
		if err != nil && !absent(err) {
			return err
		}
		known = append(known, keys...)
	}
	known = append(known, published...)
	pinned := v.o.Keys
	if len(pinned) == 0 {
		pinned = v.signersOf(olds, known)
	}
	v.report.Pinned = len(pinned) > 0
	if !v.report.Pinned && len(published) > 0 {
		pinned = []string{published[0].VKey}
	}
	v.trust = follow(v.c.Origin, pinned, known)
	v.report.Learned = v.trust.learned
	return nil
}

// signersOf are the keys, of those that are known, that signed what the caller kept.
// Only the key that a change of keys names is sure to have been the log's, and of a
// checkpoint without one, only its single signer: anybody can put a signature of his
// own under what is public.
func (v *verification) signersOf(olds []old, known []Key) []string {
	var candidates, signers []string
	for _, k := range known {
		candidates = append(candidates, k.VKey)
	}
	for _, o := range olds {
		c, err := OpenCheckpoint(o.Note, candidates)
		switch {
		case err != nil: // addOld says so
		case c.Next != "" && slices.Contains(c.Signed, c.Next):
			signers = append(signers, c.Next)
		case c.Next == "" && claimants(o.Note, c.Origin) == 1:
			signers = append(signers, c.Signed...)
		default:
			v.fault(0, "%s is signed by several keys, of which one may be anybody's: say which key you trust", o.what)
		}
	}
	return signers
}

// claimants counts the signatures under a note that claim to be the log's.
func claimants(note []byte, origin string) int {
	_, signatures, _ := bytes.Cut(note, []byte("\n\n"))
	return bytes.Count(append([]byte("\n"), signatures...), []byte("\n\u2014 "+origin+" "))
}

// sameLog finds the log of the same origin in an older publication; nil if that has
// only others.
func (v *verification) sameLog(ctx context.Context, src Source) (Source, error) {
	logs, err := Logs(ctx, src)
	if err != nil {
		return nil, fmt.Errorf("reading an older publication: %w", err)
	}
	for _, l := range logs {
		note, err := l.Source.ReadFile(ctx, checkpointFile)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("reading an older publication: %w", err)
		}
		if c, err := ParseCheckpoint(note); err == nil && c.Origin == v.c.Origin {
			return l.Source, nil
		}
	}
	return nil, nil
}

// kept gathers the older checkpoints of this log, as the caller kept them.
func (v *verification) kept(ctx context.Context) ([]old, error) {
	var olds []old
	for i, src := range v.o.Against {
		log, err := v.sameLog(ctx, src)
		if err != nil {
			return nil, err
		}
		if log == nil {
			continue
		}
		note, err := log.ReadFile(ctx, checkpointFile)
		if err != nil {
			return nil, fmt.Errorf("reading an older publication: %w", err)
		}
		c, err := ParseCheckpoint(note)
		if err != nil {
			return nil, fmt.Errorf("reading an older publication: %w", err)
		}
		olds = append(olds, old{c, log, fmt.Sprintf("the older publication %d", i+1)})
	}
	for i, note := range v.o.Checkpoints {
		c, err := ParseCheckpoint(note)
		if err != nil {
			return nil, fmt.Errorf("older checkpoint %d: %w", i+1, err)
		}
		if c.Origin == v.c.Origin {
			olds = append(olds, old{c, nil, "the trusted checkpoint"})
		}
	}
	return olds, nil
}

// addOld takes an older checkpoint if a trusted key signed it. If none did, and the
// keys are only those that the log itself names, then the log denies a key that it
// once had.
func (v *verification) addOld(o old) {
	c, err := v.trust.open(o.Note)
	switch {
	case err == nil:
		v.olds = append(v.olds, old{c, o.src, o.what})
	case v.report.Pinned:
		v.fault(-1, "%s was not used: %s", o.what, fault.Message(err))
	default:
		v.fault(0, "%s is not signed by a key that this log names: one of the two is not the log of %s", o.what, v.c.Origin)
	}
}
