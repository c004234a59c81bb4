package casefile

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/kutse-dev/kutse/schema/canon"
	"github.com/kutse-dev/kutse/schema/fault"
)

// Limits bound what is read of a case file from somebody else. A file in it is
// stored as it is, so nothing unpacks to more than was sent.
type Limits struct {
	Archive  int64 // bytes of the whole; never more than 4 GiB
	Files    int   // how many
	Evidence int64 // bytes of one piece of evidence
	Other    int64 // bytes of any other file; these are read into memory
}

// DefaultLimits are enough for the cases of one installation with large evidence.
func DefaultLimits() Limits {
	return Limits{Archive: maxArchive, Files: 20000, Evidence: 1 << 30, Other: 32 << 20}
}

func (l Limits) of(name string) int64 {
	if strings.HasPrefix(name, "evidence/") {
		return l.Evidence
	}
	return l.Other
}

// Archive is an open case file. What it returns is what stands there; only Verify
// says whether to believe it. It may be used by several at once.
type Archive struct {
	r       io.ReaderAt
	members []member
	byName  map[string]member
}

// Open reads the directory of a case file. r must stay open while the Archive is
// used. The archive is refused as Invalid where a byte outside its files is not
// what Write would have written there, or where a limit is passed. What is in the
// files is not looked at.
func Open(r io.ReaderAt, size int64, limits Limits) (*Archive, error) {
	members, err := readLayout(r, size, limits)
	if err != nil {
		return nil, err
	}
	a := &Archive{r: r, members: members, byName: map[string]member{}}
	for _, m := range members {
		a.byName[m.name] = m
	}
	return a, nil
}

// Files lists the names in the archive, in its order.
func (a *Archive) Files() []string {
	var names []string
	for _, m := range a.members {
		names = append(names, m.name)
	}
	return names
}

// Reader reads a file of the archive; NotFound when there is none of that name. It
// fails at the end when the CRC-32 is wrong.
func (a *Archive) Reader(name string) (io.Reader, error) {
	m, ok := a.byName[name]
	if !ok {
		return nil, fault.NotFound.New("there is no %.120s in the case file", name)
	}
	return &crcReader{name: name, r: io.NewSectionReader(a.r, m.data(), m.size), left: m.size, want: m.crc}, nil
}

// crcReader holds what it reads to a CRC-32.
type crcReader struct {
	name      string
	r         io.Reader
	left      int64
	got, want uint32
}

func (c *crcReader) Read(b []byte) (int, error) {
	n, err := c.r.Read(b)
	c.got = crc32.Update(c.got, crc32.IEEETable, b[:n])
	c.left -= int64(n)
	switch {
	case !errors.Is(err, io.EOF):
		return n, err
	case c.left != 0:
		return n, fault.Invalid.New("%s breaks off", c.name)
	case c.got != c.want:
		return n, fault.Invalid.New("%s has another CRC-32 than the ZIP says: it was changed", c.name)
	}
	return n, err
}

// WriteTo implements io.WriterTo: an archive has many small files, and a buffer of
// the usual size for each would cost more than reading it.
func (c *crcReader) WriteTo(w io.Writer) (n int64, err error) {
	buf := make([]byte, min(c.left+1, 32<<10))
	for {
		read, err := c.Read(buf)
		written, writeErr := w.Write(buf[:read])
		n += int64(written)
		switch {
		case writeErr != nil:
			return n, writeErr
		case errors.Is(err, io.EOF):
			return n, nil
		case err != nil:
			return n, err
		}
	}
}

// bytes reads a file that is no evidence; Open held its size to the limit.
func (a *Archive) bytes(name string) ([]byte, error) {
	r, err := a.Reader(name)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	if _, err := io.Copy(&b, r); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return b.Bytes(), nil
}

// Case reads case.json; Invalid where it is of a later format or not in order.
func (a *Archive) Case() (Case, error) {
	text, err := a.bytes(caseFile)
	if err != nil {
		return Case{}, err
	}
	return ParseCase(text)
}

// HTML reads the page for people, which stays readable when the format of
// case.json is a later one. It was written elsewhere: do not serve it from a host
// that people are signed in to.
func (a *Archive) HTML() ([]byte, error) { return a.bytes(htmlFile) }

// Standard reads the standard as far as it can be read.
func (a *Archive) Standard() (Standard, error) {
	text, err := a.bytes(standardFile)
	if err != nil {
		return Standard{}, err
	}
	return ReadStandard(text, canon.Sum(text)), nil
}

// StandardJSON reads standard.json as it stands there.
func (a *Archive) StandardJSON() ([]byte, error) { return a.bytes(standardFile) }

// ProcedureJSON reads procedure.json as it stands there.
func (a *Archive) ProcedureJSON() ([]byte, error) { return a.bytes(procedureFile) }

// Salts reads the salts by the names of the records.
func (a *Archive) Salts() (map[string]canon.Salt, error) {
	text, err := a.bytes(saltsFile)
	if err != nil {
		return nil, err
	}
	var salts map[string]canon.Salt
	if err := json.Unmarshal(text, &salts); err != nil {
		return nil, fault.Invalid.Because(err, "%s cannot be read: %v", saltsFile, err)
	}
	if again, err := canon.JSON(salts); err != nil || !bytes.Equal(again, text) {
		return nil, fault.Invalid.New("%s is not in its canonical form", saltsFile)
	}
	return salts, nil
}

// Entries reads the leaves of the log, in the order of the timeline.
func (a *Archive) Entries() ([][]byte, error) { return a.lines(entriesFile) }

// Events reads the facts as they were published.
func (a *Archive) Events() ([][]byte, error) { return a.lines(eventsFile) }

// Rows reads the rows that were recorded.
func (a *Archive) Rows() ([][]byte, error) { return a.lines(rowsFile) }

func (a *Archive) lines(name string) ([][]byte, error) {
	text, err := a.bytes(name)
	if err != nil || len(text) == 0 {
		return nil, err
	}
	if text[len(text)-1] != '\n' {
		return nil, fault.Invalid.New("%s does not end with a line end", name)
	}
	return bytes.Split(text[:len(text)-1], []byte("\n")), nil
}

// Proofs reads the tlog-proofs by the ids of the audit rows.
func (a *Archive) Proofs() (map[string][]byte, error) {
	proofs := map[string][]byte{}
	for _, m := range a.members {
		row, ok := strings.CutSuffix(m.name, ".tlog-proof")
		if !ok {
			continue
		}
		b, err := a.bytes(m.name)
		if err != nil {
			return nil, err
		}
		proofs[strings.TrimPrefix(row, "log/")] = b
	}
	return proofs, nil
}

// Keys reads the verifier keys that came along. They say which keys were used, not
// whose they are.
func (a *Archive) Keys() ([]string, error) {
	all, err := a.lines(keysFile)
	var keys []string
	for _, k := range all {
		keys = append(keys, string(k))
	}
	return keys, err
}

// Evidence opens the bytes of a piece of evidence that is not erased.
func (a *Archive) Evidence(e EvidenceItem) (io.ReadCloser, error) {
	if e.Erased {
		return nil, fault.NotFound.New("evidence %s is erased", e.ID)
	}
	r, err := a.Reader(EvidencePath(e.ID, e.Kind, e.MediaType))
	if err != nil {
		return nil, err
	}
	return io.NopCloser(r), nil
}

// File reads everything that the archive was written from, so that it can be
// written again. Evidence in it is read from the archive, when asked for.
func (a *Archive) File() (f File, err error) {
	f.Evidence = a.Evidence
	steps := []func() error{
		func() (err error) { f.Case, err = a.Case(); return err },
		func() (err error) { f.Standard, err = a.StandardJSON(); return err },
		func() (err error) { f.Procedure, err = a.ProcedureJSON(); return err },
		func() (err error) { f.Salts, err = a.Salts(); return err },
		func() (err error) { f.Entries, err = a.Entries(); return err },
		func() (err error) { f.Events, err = a.Events(); return err },
		func() (err error) { f.Rows, err = a.Rows(); return err },
		func() (err error) { f.Proofs, err = a.Proofs(); return err },
		func() (err error) { f.Keys, err = a.Keys(); return err },
	}
	for _, step := range steps {
		if err := step(); err != nil {
			return File{}, err
		}
	}
	return f, nil
}

// expected lists the files that an archive of f has, in order.
func (f File) expected() []string {
	names := []string{readmeFile, caseFile, htmlFile, schemaFile, standardFile, procedureFile}
	for _, e := range f.Case.Evidence {
		if !e.Erased {
			names = append(names, e.File)
		}
	}
	names = append(names, saltsFile, entriesFile, eventsFile, rowsFile)
	for _, row := range f.Case.Timeline {
		if _, ok := f.Proofs[row.ID]; ok {
			names = append(names, proofPath(row.ID))
		}
	}
	return append(names, keysFile, checksumsFile, signatureFile)
}

func (f File) contents() contents {
	return contents{
		Case: f.Case, standard: f.Standard, procedure: f.Procedure, salts: f.Salts,
		entries: f.Entries, events: f.Events, rows: f.Rows, proofs: slices.Sorted(maps.Keys(f.Proofs)),
	}
}
