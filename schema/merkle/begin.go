package merkle

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"io/fs"

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
	if err := v.settleTrust(ctx); err != nil {
		return v, err
	}
	signed, err := OpenCheckpoint(note, v.trust.keys)
	if err != nil {
		v.untrusty = fault.Message(err)
	} else {
		v.report.Keys = signed.Signed
	}
	return v, v.collect(ctx)
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

// settleTrust begins with the caller's keys, else with the first key of an older
// publication that the caller kept, else with the one published beside the log.
func (v *verification) settleTrust(ctx context.Context) error {
	published, err := readKeys(ctx, v.src)
	if err != nil {
		if !absent(err) {
			return err
		}
		v.fault(-1, "the keys published beside the log cannot be read: %v", err)
	}
	pinned := v.o.Keys
	for _, src := range v.o.Against {
		if len(pinned) > 0 {
			break
		}
		log, err := v.sameLog(ctx, src)
		if err != nil {
			return err
		}
		if log == nil {
			continue
		}
		if keys, err := readKeys(ctx, log); err == nil && len(keys) > 0 {
			pinned = []string{keys[0].VKey}
		}
	}
	v.report.Pinned = len(pinned) > 0
	if !v.report.Pinned && len(published) > 0 {
		pinned = []string{published[0].VKey}
	}
	v.trust = follow(v.c.Origin, pinned, published)
	v.report.Learned = v.trust.learned
	return nil
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

// collect gathers the older checkpoints of this log that a trusted key signed.
func (v *verification) collect(ctx context.Context) error {
	for i, src := range v.o.Against {
		log, err := v.sameLog(ctx, src)
		if err != nil {
			return err
		}
		if log == nil {
			continue
		}
		note, err := log.ReadFile(ctx, checkpointFile)
		if err != nil {
			return fmt.Errorf("reading an older publication: %w", err)
		}
		v.addOld(note, log, fmt.Sprintf("the older publication %d", i+1))
	}
	for i, note := range v.o.Checkpoints {
		c, err := ParseCheckpoint(note)
		if err != nil {
			return fmt.Errorf("older checkpoint %d: %w", i+1, err)
		}
		if c.Origin == v.c.Origin {
			v.addOld(note, nil, "the trusted checkpoint")
		}
	}
	v.report.Compared = len(v.olds)
	for _, c := range v.trust.transitions {
		v.olds = append(v.olds, old{c, nil, fmt.Sprintf("the change of keys at %d", c.Size)})
	}
	return nil
}

// addOld takes an older checkpoint if a trusted key signed it. If none did, and the
// keys are only those that the log itself names, then the log denies a key that it
// once had.
func (v *verification) addOld(note []byte, src Source, what string) {
	c, err := OpenCheckpoint(note, v.trust.keys)
	switch {
	case err == nil:
		v.olds = append(v.olds, old{c, src, what})
	case v.report.Pinned:
		v.fault(-1, "%s was not used: %s", what, fault.Message(err))
	default:
		v.fault(0, "%s is not signed by a key that this log names: one of the two is not the log of %s", what, v.c.Origin)
	}
}
