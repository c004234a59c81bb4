package casefile

import (
	"bytes"
	"hash/crc32"
)

// RawFile is a file for an archive that Write would not make.
type RawFile struct {
	Name    string
	Content []byte
}

// WriteRaw writes any files in the shape of a case file.
func WriteRaw(files []RawFile) ([]byte, error) {
	var b bytes.Buffer
	z := &zipWriter{w: &b}
	for _, f := range files {
		if err := z.begin(f.Name, crc32.ChecksumIEEE(f.Content), int64(len(f.Content))); err != nil {
			return nil, err
		}
		b.Write(f.Content)
	}
	err := z.finish()
	return b.Bytes(), err
}
