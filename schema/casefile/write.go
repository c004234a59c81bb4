package casefile

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"slices"
	"strings"

	"golang.org/x/mod/sumdb/note"

	"github.com/kutse-dev/kutse/schema/canon"
	"github.com/kutse-dev/kutse/schema/fault"
)

//go:embed README.txt
var readmeText []byte

//go:embed case.schema.json
var schemaText []byte

// Schema is the JSON Schema 2020-12 of case.json.
func Schema() []byte { return bytes.Clone(schemaText) }

// Write writes f as a case file, signed. The signer's name is the origin, or
// begins with the origin and a slash, and its verifier key is among f.Keys.
//
// Everything is checked before the first byte is written, also that each piece of
// evidence has the digest that the case names: a case file that does not verify
// cannot be made. Equal f and signer give equal bytes. Evidence is read piece by
// piece, twice, and never kept in memory. An error that is Invalid says what is
// wrong with f; after any other, what was written is to be thrown away.
func Write(w io.Writer, f File, signer note.Signer) error {
	parts, err := prepare(f, signer)
	if err != nil {
		return err
	}
	z := &zipWriter{w: w}
	var checksums strings.Builder
	for _, p := range parts {
		sum, err := p.write(z)
		if err != nil {
			return err
		}
		fmt.Fprintf(&checksums, "%s  %s\n", sum, p.name)
	}
	signature, err := note.Sign(&note.Note{Text: noteText(f.Case.Origin, canon.Sum([]byte(checksums.String())).String())}, signer)
	if err != nil {
		return fmt.Errorf("signing the case file: %w", err)
	}
	for _, p := range []part{plain(checksumsFile, []byte(checksums.String())), plain(signatureFile, signature)} {
		if _, err := p.write(z); err != nil {
			return err
		}
	}
	return z.finish()
}

// part is a file that is about to be written.
type part struct {
	name string
	size int64
	crc  uint32
	open func() (io.ReadCloser, error)
}

func plain(name string, b []byte) part {
	return part{name: name, size: int64(len(b)), crc: crc32.ChecksumIEEE(b), open: func() (io.ReadCloser, error) {
		return io.NopCloser(bytes.NewReader(b)), nil
	}}
}

func (p part) write(z *zipWriter) (canon.Digest, error) {
	r, err := p.open()
	if err != nil {
		return canon.Digest{}, fmt.Errorf("%s: %w", p.name, err)
	}
	if err := z.begin(p.name, p.crc, p.size); err != nil {
		return canon.Digest{}, errors.Join(err, r.Close())
	}
	sum, crc := sha256.New(), crc32.NewIEEE()
	n, err := io.Copy(io.MultiWriter(z.w, sum, crc), io.LimitReader(r, p.size+1))
	switch err = errors.Join(err, r.Close()); {
	case err != nil:
		return canon.Digest{}, fmt.Errorf("%s: %w", p.name, err)
	case n != p.size || crc.Sum32() != p.crc:
		return canon.Digest{}, fmt.Errorf("%s changed while it was written", p.name)
	}
	return canon.Digest(sum.Sum(nil)), nil
}

// prepare checks f and lists what will be written before the checksums.
func prepare(f File, signer note.Signer) ([]part, error) {
	text, err := f.Case.JSON()
	if err != nil {
		return nil, fault.Invalid.Because(err, "the case has no canonical form: %v", err)
	}
	if f.Case, err = ParseCase(text); err != nil {
		return nil, err
	}
	if err := checkSigner(f, signer); err != nil {
		return nil, err
	}
	salts, err := canon.JSON(f.Salts)
	if err != nil {
		return nil, err
	}
	if f.Salts == nil {
		salts = []byte("{}")
	}
	c := f.contents()
	if problems := c.check(); len(problems) > 0 {
		return nil, fault.Invalid.New("the case file would not verify: %s", problems[0])
	}
	page, err := HTML(f.Case, ReadStandard(f.Standard, f.Case.Standard.Digest))
	if err != nil {
		return nil, err
	}
	parts := []part{
		plain(readmeFile, readmeText), plain(caseFile, text), plain(htmlFile, page), plain(schemaFile, schemaText),
		plain(standardFile, f.Standard), plain(procedureFile, f.Procedure),
	}
	for _, e := range f.Case.Evidence {
		if e.Erased {
			continue
		}
		p, err := evidencePart(e, f.Evidence)
		if err != nil {
			return nil, err
		}
		parts = append(parts, p)
	}
	parts = append(parts, plain(saltsFile, salts), plain(entriesFile, lines(f.Entries)), plain(eventsFile, lines(f.Events)), plain(rowsFile, lines(f.Rows)))
	for _, row := range f.Case.Timeline {
		if proof, ok := f.Proofs[row.ID]; ok {
			parts = append(parts, plain(proofPath(row.ID), proof))
		}
	}
	return append(parts, plain(keysFile, []byte(strings.Join(f.Keys, "\n")+"\n"))), nil
}

func checkSigner(f File, signer note.Signer) error {
	if !speaksFor(signer.Name(), f.Case.Origin) {
		return fault.Invalid.New("the key %s does not speak for %s: a case file is signed by its origin", signer.Name(), f.Case.Origin)
	}
	ring, err := keyring(f.Keys)
	if err != nil {
		return fault.Invalid.Because(err, "a verifier key cannot be read: %v", err)
	}
	if !slices.ContainsFunc(ring, func(v note.Verifier) bool { return v.Name() == signer.Name() && v.KeyHash() == signer.KeyHash() }) {
		return fault.Invalid.New("the verifier key of %s goes with the case file", signer.Name())
	}
	return nil
}

// evidencePart reads a piece of evidence once, and holds it to its digest.
func evidencePart(e EvidenceItem, open func(EvidenceItem) (io.ReadCloser, error)) (part, error) {
	p := part{name: e.File, size: e.Size, open: func() (io.ReadCloser, error) { return open(e) }}
	r, err := p.open()
	if err != nil {
		return p, fmt.Errorf("evidence %s: %w", e.ID, err)
	}
	sum, crc := sha256.New(), crc32.NewIEEE()
	n, err := io.Copy(io.MultiWriter(sum, crc), io.LimitReader(r, e.Size+1))
	if err = errors.Join(err, r.Close()); err != nil {
		return p, fmt.Errorf("evidence %s: %w", e.ID, err)
	}
	if n != e.Size || salted(*e.Salt, canon.Digest(sum.Sum(nil))) != e.Digest {
		return p, fault.Invalid.New("evidence %s is not what was recorded: its bytes with its salt do not have the digest %s", e.ID, e.Digest)
	}
	p.crc = crc.Sum32()
	return p, nil
}

// salted is the digest under a salt of what has the SHA-256 sum.
func salted(salt canon.Salt, sum canon.Digest) canon.Digest {
	return canon.SaltedSum(salt, sum[:])
}

// lines writes one a line.
func lines(all [][]byte) []byte {
	var b bytes.Buffer
	for _, l := range all {
		b.Write(l)
		b.WriteByte('\n')
	}
	return b.Bytes()
}
