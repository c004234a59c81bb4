package check

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"

	"github.com/lib/pq"
)

// cosignaturesAreRight opens what each witness signed: the body of the checkpoint of
// that size, as its row has it. Other rules hold that row against the leaves.
func cosignaturesAreRight(ctx context.Context, r *run, say say) error {
	var signed []struct {
		Year          int
		Size          int64
		Witness, Note string
		Checkpoints   pq.StringArray // of that size: more than one where a key handed over
	}
	if err := r.tx.SelectContext(ctx, &signed, `
SELECT s.year, s.size, s.witness, s.note, ARRAY(SELECT c.note FROM log_checkpoint c WHERE c.year = s.year AND c.size = s.size ORDER BY c.at) AS checkpoints
  FROM log_cosignature s ORDER BY s.year, s.size, s.witness`); err != nil {
		return fmt.Errorf("reading what witnesses signed: %w", err)
	}
	for _, s := range signed {
		object := fmt.Sprintf("log_cosignature %d/%d/%s", s.Year, s.Size, s.Witness)
		err := fmt.Errorf("the log has no checkpoint of %d entries", s.Size)
		for _, c := range s.Checkpoints {
			if err = cosigned(s.Witness, c, s.Note); err == nil {
				break
			}
		}
		if err != nil {
			say(object, "%v", err)
		}
	}
	return nil
}

// The layout of a witness's key and signature (C2SP signed-note, tlog-cosignature).
const (
	cosignatureKey = 0x04
	keyIDBytes     = 4
	stampBytes     = 8
)

// cosigned says why one of the lines is not the witness's signature under a checkpoint.
func cosigned(vkey, checkpoint, lines string) error {
	body, _, ok := strings.Cut(checkpoint, "\n\n")
	name, rest, named := strings.Cut(vkey, "+")
	_, encoded, hashed := strings.Cut(rest, "+")
	key, err := base64.StdEncoding.DecodeString(encoded)
	if !ok || !named || !hashed || err != nil || len(key) != 1+ed25519.PublicKeySize || key[0] != cosignatureKey {
		return errors.New("it is not of a witness's key and a signed note")
	}
	id := sha256.Sum256(append([]byte(name+"\n"), key...))
	for _, line := range strings.Split(lines, "\n") {
		encoded, ours := strings.CutPrefix(line, "— "+name+" ")
		sig, err := base64.StdEncoding.DecodeString(encoded)
		if !ours || err != nil || len(sig) != keyIDBytes+stampBytes+ed25519.SignatureSize || !bytes.Equal(sig[:keyIDBytes], id[:keyIDBytes]) {
			continue
		}
		stamp := binary.BigEndian.Uint64(sig[keyIDBytes:])
		said := fmt.Sprintf("cosignature/v1\ntime %d\n%s\n", stamp, body)
		if ed25519.Verify(key[1:], []byte(said), sig[keyIDBytes+stampBytes:]) {
			return nil
		}
	}
	return errors.New("the witness did not sign the log's checkpoint of that size")
}
