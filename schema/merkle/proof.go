package merkle

import (
	"bytes"
	"context"
	"encoding/base64"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/kutse-dev/kutse/schema/fault"
)

const (
	proofHeader = "c2sp.org/tlog-proof@v1"
	maxProof    = 1 << 20
	maxPath     = 63 // a path in a tree of 63 bits is no longer
)

// Proof shows that a log holds an entry, to somebody who has the entry and a
// verifier key of the log: c2sp.org/tlog-proof.
type Proof struct {
	Position   int64
	Hashes     []Hash // the path from the entry to the root
	Checkpoint []byte // signed, as it stands
	Extra      []byte // of the application; nil for none
}

// Prove makes the proof that the log of a checkpoint holds the record at position.
func Prove(ctx context.Context, h Hashes, c Checkpoint, position int64) (Proof, error) {
	path, err := ProveRecord(ctx, h, c.Size, position)
	if err != nil {
		return Proof{}, err
	}
	return Proof{Position: position, Hashes: path, Checkpoint: c.Note}, nil
}

// Marshal writes the proof as a file `.tlog-proof`.
func (p Proof) Marshal() []byte {
	var b bytes.Buffer
	b.WriteString(proofHeader + "\n")
	if p.Extra != nil {
		b.WriteString("extra " + base64.StdEncoding.EncodeToString(p.Extra) + "\n")
	}
	fmt.Fprintf(&b, "index %d\n", p.Position)
	for _, h := range p.Hashes {
		b.WriteString(base64.StdEncoding.EncodeToString(h[:]) + "\n")
	}
	b.WriteByte('\n')
	b.Write(p.Checkpoint)
	return b.Bytes()
}

// ParseProof reads what Marshal writes; anything else is Invalid. The checkpoint in
// it is not read.
func ParseProof(data []byte) (Proof, error) {
	if len(data) > maxProof {
		return Proof{}, fault.Invalid.New("a proof has at most %d bytes, not %d", maxProof, len(data))
	}
	head, checkpoint, found := bytes.Cut(data, []byte("\n\n"))
	lines := strings.Split(string(head), "\n")
	if !found || lines[0] != proofHeader {
		return Proof{}, fault.Invalid.New("a proof begins with the line %s", proofHeader)
	}
	lines = lines[1:]
	p := Proof{Checkpoint: slices.Clone(checkpoint)}
	var err error
	if len(lines) > 0 && strings.HasPrefix(lines[0], "extra ") {
		if p.Extra, err = decodeExtra(lines[0][len("extra "):]); err != nil {
			return Proof{}, err
		}
		lines = lines[1:]
	}
	if len(lines) == 0 {
		return Proof{}, fault.Invalid.New("a proof names the index of its entry")
	}
	index, ok := strings.CutPrefix(lines[0], "index ")
	p.Position, err = strconv.ParseInt(index, 10, 64)
	if !ok || err != nil || p.Position < 0 || strconv.FormatInt(p.Position, 10) != index {
		return Proof{}, fault.Invalid.New("a proof names the index of its entry, not %.80q", lines[0])
	}
	if len(lines)-1 > maxPath {
		return Proof{}, fault.Invalid.New("a proof has at most %d hashes", maxPath)
	}
	for _, line := range lines[1:] {
		h, err := decodeHash(line)
		if err != nil {
			return Proof{}, fault.Invalid.New("in a proof, %v", err)
		}
		p.Hashes = append(p.Hashes, h)
	}
	return p, nil
}

func decodeExtra(s string) ([]byte, error) {
	b, err := base64.StdEncoding.Strict().DecodeString(s)
	if err != nil || base64.StdEncoding.EncodeToString(b) != s {
		return nil, fault.Invalid.New("the extra line of a proof is not base64")
	}
	return b, nil
}

// Verify checks that the log, at a checkpoint that one of the verifier keys signed,
// holds entry at the proof's position, and returns the checkpoint. The error is
// Forbidden when no key signed it, and Invalid when the proof does not hold.
func (p Proof) Verify(entry []byte, vkeys []string) (Checkpoint, error) {
	c, err := OpenCheckpoint(p.Checkpoint, vkeys)
	if err != nil {
		return Checkpoint{}, err
	}
	if p.Position < 0 || p.Position >= c.Size {
		return Checkpoint{}, fault.Invalid.New("the proof is for record %d, and its checkpoint counts %d", p.Position, c.Size)
	}
	if err := CheckRecord(p.Hashes, c.Size, c.Root, p.Position, HashEntry(entry)); err != nil {
		return Checkpoint{}, fault.Invalid.New("the log does not hold this entry as record %d", p.Position)
	}
	return c, nil
}
