package blob

import (
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"strconv"
	"strings"
	"time"

	"github.com/kutse-dev/kutse/schema/canon"
	"github.com/kutse-dev/kutse/schema/fault"
	"github.com/kutse-dev/kutse/schema/person"
)

// Announced is what an uploader says they are going to send. What the file is
// called stays with them.
type Announced struct {
	Size   int64
	SHA256 canon.Digest
}

// UploadID names an upload of one person. It is made of what was announced, so
// that announcing the same again leads to the same upload, and committing again
// after the upload is gone still finds the file.
type UploadID string

// Upload says how far an upload has come.
type Upload struct {
	ID         UploadID
	ChunkBytes int   // of every chunk but the last
	Size       int64 // as announced
	Offset     int64 // go on from here; equal to Size when nothing is missing
}

// upload is what an UploadID says, and where it is kept.
type upload struct {
	Announced
	chunk   int
	home    string
	address canon.Salt // of the file that it becomes
}

func (u upload) id() UploadID {
	return UploadID(fmt.Sprintf("%s-%d-%d", u.SHA256, u.Size, u.chunk))
}

// folder is what the upload is called on disk. Its id would show the SHA-256.
func (u upload) folder() string {
	return fmt.Sprintf("%s-%d-%d", u.address, u.Size, u.chunk)
}

func (u upload) dir() string { return path.Join(u.home, "uploads", u.folder()) }

// file is the name of what the upload becomes.
func (u upload) file() string { return filePath(u.home, u.address) }

func (u upload) chunkPath(offset int64) string {
	return path.Join(u.dir(), strconv.FormatInt(offset, 10))
}

func (u upload) chunkField(offset int64) string {
	return fmt.Sprintf("blob.chunk:%s:%d", u.folder(), offset)
}

// chunkLen is how long the chunk at offset is.
func (u upload) chunkLen(offset int64) int {
	return int(min(int64(u.chunk), u.Size-offset))
}

func (u upload) at(offset int64) Upload {
	return Upload{ID: u.id(), ChunkBytes: u.chunk, Size: u.Size, Offset: offset}
}

// parse reads an upload id, which comes from outside. It accepts only what id
// writes.
func (s *Store) parse(p person.ID, id UploadID) (upload, error) {
	home, err := home(p)
	if err != nil {
		return upload{}, err
	}
	digest, rest, _ := strings.Cut(string(id), "-")
	size, chunk, _ := strings.Cut(rest, "-")
	u := upload{home: home}
	var errs [3]error
	u.SHA256, errs[0] = canon.ParseDigest(digest)
	u.Size, errs[1] = strconv.ParseInt(size, 10, 64)
	u.chunk, errs[2] = strconv.Atoi(chunk)
	if errors.Join(errs[:]...) != nil || u.Size <= 0 || u.chunk <= 0 || u.id() != id {
		return upload{}, fault.Invalid.New("%.120q is not the id of an upload", id)
	}
	u.address, err = s.Address(p, u.SHA256)
	return u, err
}

// Begin opens an upload, or finds the one the person has begun with the same
// content. When the store has the file already, nothing is missing and Commit
// returns it. Begin is harmless twice. A person who has as many uploads open as
// they may loses the oldest of them, if nothing was added to it in the last hour.
func (s *Store) Begin(p person.ID, a Announced, now time.Time) (Upload, error) {
	home, err := home(p)
	if err != nil {
		return Upload{}, err
	}
	switch {
	case a.Size <= 0:
		return Upload{}, fault.Invalid.New("the file is empty")
	case a.Size > s.limits.FileBytes:
		return Upload{}, fault.Invalid.New("a file may have %d bytes, this has %d", s.limits.FileBytes, a.Size)
	case a.SHA256 == canon.Digest{}:
		return Upload{}, fault.Invalid.New("say the SHA-256 of the file before sending it")
	}
	u := upload{Announced: a, chunk: s.limits.ChunkBytes, home: home}
	if u.address, err = s.Address(p, a.SHA256); err != nil {
		return Upload{}, err
	}
	if stored, err := s.exists(u.file()); stored || err != nil {
		return u.at(a.Size), err
	}
	err = s.open(u, now)
	if errors.Is(err, fs.ErrNotExist) {
		// Erase took the folders away under this one.
		if _, err := s.Address(p, a.SHA256); err != nil {
			return Upload{}, err
		}
		return Upload{}, fault.Unavailable.Because(err, "the files of this person were just removed; begin the upload again")
	}
	if err != nil {
		return Upload{}, err
	}
	return s.status(u)
}

func (s *Store) open(u upload, now time.Time) error {
	s.begin.Lock()
	defer s.begin.Unlock()
	uploads := path.Dir(u.dir())
	if err := s.root.MkdirAll(uploads, 0o700); err != nil {
		return fmt.Errorf("beginning an upload: %w", err)
	}
	if begun, err := s.exists(u.dir()); begun || err != nil {
		return err
	}
	open, err := fs.ReadDir(s.root.FS(), uploads)
	if err != nil {
		return fmt.Errorf("counting uploads: %w", err)
	}
	if len(open) >= s.limits.UploadsPerPerson {
		if err := s.giveWay(uploads, open, now); err != nil {
			return err
		}
	}
	if err := s.root.Mkdir(u.dir(), 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("beginning an upload: %w", err)
	}
	return nil
}

// stale is how long nothing is added to an upload before it gives way to another.
const stale = time.Hour

// giveWay drops the upload of those open that nothing was added to for the longest
// time: whoever left uploads half-way is not locked out by them.
func (s *Store) giveWay(uploads string, open []fs.DirEntry, now time.Time) error {
	oldest, since := "", now.Add(-stale)
	for _, e := range open {
		dir := path.Join(uploads, e.Name())
		info, err := s.root.Stat(dir)
		if errors.Is(err, fs.ErrNotExist) {
			return nil // committed meanwhile, so there is room
		}
		if err != nil {
			return fmt.Errorf("looking for an old upload: %w", err)
		}
		if !info.ModTime().After(since) {
			oldest, since = dir, info.ModTime()
		}
	}
	if oldest == "" {
		return fault.Conflict.New("%d uploads are open; finish one of them first, or begin again later: one that nothing was added to for an hour gives way to a new one", len(open))
	}
	if err := s.removeAll(oldest); err != nil {
		return fmt.Errorf("dropping an old upload: %w", err)
	}
	return nil
}

// Status says how far an upload has come.
func (s *Store) Status(p person.ID, id UploadID) (Upload, error) {
	u, err := s.parse(p, id)
	if err != nil {
		return Upload{}, err
	}
	return s.status(u)
}

func (s *Store) status(u upload) (Upload, error) {
	entries, err := fs.ReadDir(s.root.FS(), u.dir())
	if errors.Is(err, fs.ErrNotExist) {
		return s.statusWithoutSession(u)
	}
	if err != nil {
		return Upload{}, fmt.Errorf("reading upload %s: %w", u.folder(), err)
	}
	have := make(map[string]bool, len(entries))
	for _, e := range entries {
		have[e.Name()] = true
	}
	var next int64
	for next < u.Size && have[strconv.FormatInt(next, 10)] {
		next += int64(u.chunkLen(next))
	}
	return u.at(next), nil
}

func (s *Store) statusWithoutSession(u upload) (Upload, error) {
	stored, err := s.exists(u.file())
	switch {
	case err != nil:
		return Upload{}, err
	case !stored:
		return Upload{}, fault.NotFound.New("there is no upload %s; begin it again", u.id())
	}
	return u.at(u.Size), nil
}

// Put adds the chunk at offset and returns the offset to go on from. The same
// chunk again is accepted. A chunk that does not fit there is a Conflict; the
// offset to go on from is in its words and is returned with it.
func (s *Store) Put(p person.ID, id UploadID, offset int64, chunk []byte) (int64, error) {
	u, err := s.parse(p, id)
	if err != nil {
		return 0, err
	}
	st, err := s.status(u)
	if err != nil {
		return 0, err
	}
	next := st.Offset
	if offset < 0 || offset > next || offset >= u.Size || offset%int64(u.chunk) != 0 {
		return next, fault.Conflict.New("no chunk begins at %d; go on from offset %d", offset, next)
	}
	if want := u.chunkLen(offset); len(chunk) != want {
		return next, fault.Invalid.New("the chunk at %d has %d bytes, not %d", offset, want, len(chunk))
	}
	if offset < next {
		return next, erased(s.same(u, offset, next, chunk))
	}
	err = s.keep(u, offset, chunk)
	if errors.Is(err, fs.ErrNotExist) {
		// Committed, or dropped, while this chunk was on its way.
		st, err := s.statusWithoutSession(u)
		return st.Offset, err
	}
	if err != nil {
		return next, erased(err)
	}
	return offset + int64(len(chunk)), nil
}

// same says whether chunk is what lies at offset. A chunk that is gone lies in
// the file by now, whose digest Commit has checked.
func (s *Store) same(u upload, offset, next int64, chunk []byte) error {
	there, err := s.chunk(u, offset)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if !bytes.Equal(there, chunk) {
		return fault.Conflict.New("another chunk lies at %d; go on from offset %d, and the commit will say whether the whole is what was announced", offset, next)
	}
	return nil
}

// keep writes a chunk. It is synced before it gets its name, so a chunk that is
// there is whole; after a power cut it may be missing, and the upload goes on
// from it.
func (s *Store) keep(u upload, offset int64, chunk []byte) error {
	sealed, err := s.seal.Seal(person.ID(u.home), u.chunkField(offset), chunk)
	if err != nil {
		return err
	}
	temp := path.Join(u.dir(), "chunk-"+rand.Text())
	f, err := s.root.OpenFile(temp, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("keeping a chunk: %w", err)
	}
	_, err = f.Write(sealed)
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return fmt.Errorf("keeping a chunk: %w", errors.Join(err, s.root.Remove(temp)))
	}
	if err := s.root.Rename(temp, u.chunkPath(offset)); err != nil {
		return fmt.Errorf("keeping a chunk: %w", err)
	}
	return nil
}

func (s *Store) chunk(u upload, offset int64) ([]byte, error) {
	sealed, err := s.root.ReadFile(u.chunkPath(offset))
	if err != nil {
		return nil, fmt.Errorf("reading the chunk at %d: %w", offset, err)
	}
	return s.seal.Open(person.ID(u.home), u.chunkField(offset), sealed)
}

// Expire drops the uploads that nothing was added to since before, and says how
// many. It is for the operator's housekeeping: a forgotten upload would count
// against its person for ever.
func (s *Store) Expire(before time.Time) (int, error) {
	sessions, err := fs.Glob(s.root.FS(), "*/uploads/*")
	if err != nil {
		return 0, err
	}
	dropped := 0
	for _, dir := range sessions {
		info, err := s.root.Stat(dir)
		if errors.Is(err, fs.ErrNotExist) || err == nil && !info.ModTime().Before(before) {
			continue
		}
		if err := errors.Join(err, s.removeAll(dir)); err != nil {
			return dropped, fmt.Errorf("expiring uploads: %w", err)
		}
		dropped++
	}
	return dropped, nil
}
