package check

import (
	"encoding/hex"
	"errors"
	"fmt"
	"strings"

	"github.com/google/uuid"

	"github.com/kutse-dev/kutse/schema/canon"
	"github.com/kutse-dev/kutse/schema/fault"
	"github.com/kutse-dev/kutse/schema/person"
	"github.com/kutse-dev/kutse/schema/seal"
)

func personID(id string) person.ID { return person.ID(id) }

func unhex(s string) []byte {
	b, err := hex.DecodeString(s)
	if err != nil {
		return nil
	}
	return b
}

func isUUID(s string) bool {
	id, err := uuid.Parse(s)
	return err == nil && id.String() == s
}

// canOpen says whether anything can be opened at all.
func (r *reading) canOpen() bool { return r.hasKeys && r.keys.kek != nil }

// text opens a sealed text and says what came of it. Nothing of the text is kept.
func (r *reading) text(p, field string, sealed []byte) opened {
	if !r.canOpen() {
		return opened{}
	}
	plain, err := r.seal.Open(personID(p), field, sealed)
	if errors.Is(err, seal.ErrErased) {
		return opened{}
	}
	if err != nil {
		return opened{wrong: err.Error()}
	}
	return opened{blank: strings.TrimSpace(string(plain)) == ""}
}

// evidence opens a piece of evidence and makes its digest anew: SHA-256 over the
// item's salt and the SHA-256 of its bytes.
func (r *reading) evidence(i item, sealed []byte) opened {
	if !r.canOpen() {
		return opened{}
	}
	field := "evidence." + i.id
	plain, err := r.seal.Open(personID(i.candidate), field, sealed)
	if errors.Is(err, seal.ErrErased) {
		return opened{}
	}
	if err != nil {
		return opened{wrong: err.Error()}
	}
	sum := canon.Sum(plain)
	if i.kind == "file" {
		if len(plain) != len(sum) {
			return opened{wrong: fmt.Sprintf("its file is named by %d bytes, and not by a SHA-256", len(plain))}
		}
		sum = canon.Digest(plain)
		if address, err := r.seal.Salt(personID(i.candidate), "blob."+sum.String()); err != nil || address.String() != i.address {
			return opened{wrong: fmt.Sprintf("the file that it names belongs at %s, and it says %s", address, i.address)}
		}
	} else if int64(len(plain)) != i.size {
		return opened{wrong: fmt.Sprintf("it has %d bytes, and says %d", len(plain), i.size)}
	}
	salt, err := r.seal.Salt(personID(i.candidate), field)
	if err != nil {
		return opened{wrong: err.Error()}
	}
	return opened{digest: canon.SaltedSum(salt, sum[:]).String()}
}

// file reads a file of evidence, all of it, and says what is wrong with it.
func (r *reading) file(i item) string {
	if r.files == nil || !r.canOpen() {
		return ""
	}
	address, err := canon.ParseSalt(i.address)
	if err != nil {
		return "it stands at no address"
	}
	kept, err := r.files.Check(personID(i.candidate), address)
	switch {
	case errors.Is(err, seal.ErrErased):
		return ""
	case errors.Is(err, fault.NotFound):
		return "there is no file at " + i.address
	case err != nil:
		return err.Error()
	case kept.Size != i.size:
		return fmt.Sprintf("the file has %d bytes, and the evidence says %d", kept.Size, i.size)
	}
	return ""
}
