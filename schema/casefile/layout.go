package casefile

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"regexp"
	"strings"

	"github.com/kutse-dev/kutse/schema/fault"
)

// The shape of the ZIP (APPNOTE 6.3, 4.3). Nothing in it is left to choice: every
// byte follows from the names, sizes and CRC-32 of the files. So there is one
// archive for one list of files, a reader can hold each byte outside the files to
// what it must be, and nothing can hide between them. The writer is our own
// because archive/zip promises that its archives can be read, not that they stay
// the same from one Go version to the next.
const (
	localSignature   = 0x04034b50
	centralSignature = 0x02014b50
	endSignature     = 0x06054b50
	localSize        = 30
	centralSize      = 46
	endSize          = 22

	zipVersion = 20     // 2.0: files in folders
	madeBy     = 3 << 8 // Unix, so that what is unpacked can be read
	mode       = 0o100644 << 16
	dosDate    = 1<<5 | 1 // 1980-01-01, the first that a ZIP can say
)

// maxArchive is the size beyond which the plain form of a ZIP cannot go; nor can it
// have more than 65,534 files, which the limits see to.
const (
	maxArchive = 1<<32 - 1
	maxFiles   = 1<<16 - 2
)

// member is one file of the archive, as its headers describe it.
type member struct {
	name   string
	crc    uint32
	size   int64
	header int64 // where its local header begins
}

func (m member) data() int64 { return m.header + localSize + int64(len(m.name)) }
func (m member) end() int64  { return m.data() + m.size }

// local is the header that stands before the bytes of the file.
func (m member) local() []byte {
	b := binary.LittleEndian.AppendUint32(nil, localSignature)
	b = m.common(b)
	return append(b, m.name...)
}

// common are the fields that both headers have, in one order.
func (m member) common(b []byte) []byte {
	le := binary.LittleEndian
	b = le.AppendUint16(b, zipVersion) // needed to unpack
	b = le.AppendUint16(b, 0)          // flags
	b = le.AppendUint16(b, 0)          // stored
	b = le.AppendUint16(b, 0)          // time
	b = le.AppendUint16(b, dosDate)
	b = le.AppendUint32(b, m.crc)
	b = le.AppendUint32(b, uint32(m.size)) // packed
	b = le.AppendUint32(b, uint32(m.size))
	b = le.AppendUint16(b, uint16(len(m.name)))
	return le.AppendUint16(b, 0) // extra
}

// central is the line of the directory at the end.
func (m member) central() []byte {
	le := binary.LittleEndian
	b := le.AppendUint32(nil, centralSignature)
	b = le.AppendUint16(b, madeBy|zipVersion)
	b = m.common(b)
	b = le.AppendUint16(b, 0) // comment
	b = le.AppendUint16(b, 0) // disk
	b = le.AppendUint16(b, 0) // internal attributes
	b = le.AppendUint32(b, mode)
	b = le.AppendUint32(b, uint32(m.header))
	return append(b, m.name...)
}

// directory is everything after the last file.
func directory(members []member) []byte {
	var b []byte
	start := int64(0)
	for _, m := range members {
		b = append(b, m.central()...)
		start = m.end()
	}
	size := len(b)
	le := binary.LittleEndian
	b = le.AppendUint32(b, endSignature)
	b = le.AppendUint32(b, 0) // disks
	b = le.AppendUint16(b, uint16(len(members)))
	b = le.AppendUint16(b, uint16(len(members)))
	b = le.AppendUint32(b, uint32(size))
	b = le.AppendUint32(b, uint32(start))
	return le.AppendUint16(b, 0) // comment
}

// zipWriter writes files one after the other.
type zipWriter struct {
	w       io.Writer
	at      int64
	members []member
}

// begin writes the header of a file, whose bytes the caller writes to w next.
func (z *zipWriter) begin(name string, crc uint32, size int64) error {
	m := member{name: name, crc: crc, size: size, header: z.at}
	limits := DefaultLimits()
	if len(z.members) == limits.Files || size > limits.of(name) || m.end() > limits.Archive {
		return fault.Invalid.New("the case is too large for one case file at %s: it may have %d files, pieces of evidence of %d bytes, and 4 GiB in all",
			name, limits.Files, limits.Evidence)
	}
	if _, err := z.w.Write(m.local()); err != nil {
		return err
	}
	z.members = append(z.members, m)
	z.at = m.end()
	return nil
}

func (z *zipWriter) finish() error {
	end := directory(z.members)
	if z.at+int64(len(end)) > maxArchive {
		return fault.Invalid.New("the case is too large for one case file: it may have 4 GiB")
	}
	_, err := z.w.Write(end)
	return err
}

// memberName is what a file in an archive may be called: no folder above, no
// root, no drive, no hidden file, and the same on every system.
var memberName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,99}(/[A-Za-z0-9][A-Za-z0-9._-]{0,99})?$`)

// readLayout reads the directory of an archive and holds every byte outside the
// files to what it must be. It allocates nothing that the limits do not allow.
func readLayout(r io.ReaderAt, size int64, limits Limits) ([]member, error) {
	if size < endSize || size > min(limits.Archive, maxArchive) {
		return nil, fault.Invalid.New("a case file has from %d to %d bytes, not %d", endSize, min(limits.Archive, maxArchive), size)
	}
	end := make([]byte, endSize)
	if err := readFull(r, end, size-endSize); err != nil {
		return nil, err
	}
	le := binary.LittleEndian
	count, length := int(le.Uint16(end[10:])), int64(le.Uint32(end[12:]))
	if le.Uint32(end) != endSignature || length > size-endSize || count > min(limits.Files, maxFiles) || length > int64(count)*(centralSize+201) {
		return nil, fault.Invalid.New("this is not a case file, or it is cut off, or it has more than %d files", limits.Files)
	}
	dir := make([]byte, length)
	if err := readFull(r, dir, size-endSize-length); err != nil {
		return nil, err
	}
	members, err := parseDirectory(dir, limits)
	if err != nil {
		return nil, err
	}
	if want := directory(members); !bytes.Equal(want, append(dir, end...)) {
		return nil, fault.Invalid.New("the directory of the ZIP is not as a case file has it: it was changed or cut off")
	}
	if n := len(members); n > 0 && members[n-1].end() != size-endSize-length || n == 0 && length+endSize != size {
		return nil, fault.Invalid.New("the files of the ZIP do not fill it: something was added or cut out")
	}
	return members, checkLocals(r, members)
}

func parseDirectory(dir []byte, limits Limits) ([]member, error) {
	var members []member
	le := binary.LittleEndian
	seen := map[string]bool{}
	at := int64(0)
	for len(dir) > 0 {
		if len(dir) < centralSize || len(dir) < centralSize+int(le.Uint16(dir[28:])) {
			return nil, fault.Invalid.New("the directory of the ZIP breaks off")
		}
		name := string(dir[centralSize : centralSize+int(le.Uint16(dir[28:]))])
		m := member{name: name, crc: le.Uint32(dir[16:]), size: int64(le.Uint32(dir[24:])), header: at}
		if err := checkName(name, seen); err != nil {
			return nil, err
		}
		if limit := limits.of(name); m.size > limit {
			return nil, fault.Invalid.New("%s has %d bytes, more than the %d that are read", name, m.size, limit)
		}
		members = append(members, m)
		at = m.end()
		dir = dir[centralSize+len(name):]
	}
	return members, nil
}

// checkName refuses a name that could be unpacked to another place, or onto
// another file: there are systems to which A and a are one.
func checkName(name string, seen map[string]bool) error {
	lower := strings.ToLower(name)
	folder, _, deep := strings.Cut(lower, "/")
	if !memberName.MatchString(name) || seen[lower] || deep && seen[folder] || seen[lower+"/"] {
		return fault.Invalid.New("%.120q cannot be a file of a case file, or is there twice", name)
	}
	seen[lower] = true
	if deep {
		seen[folder+"/"] = true
	}
	return nil
}

func checkLocals(r io.ReaderAt, members []member) error {
	for _, m := range members {
		got := make([]byte, localSize+len(m.name))
		if err := readFull(r, got, m.header); err != nil {
			return err
		}
		if !bytes.Equal(got, m.local()) {
			return fault.Invalid.New("%s does not begin as the directory of the ZIP says: it was changed", m.name)
		}
	}
	return nil
}

func readFull(r io.ReaderAt, b []byte, at int64) error {
	if n, err := r.ReadAt(b, at); n < len(b) {
		return fmt.Errorf("reading the case file: %w", err)
	}
	return nil
}
