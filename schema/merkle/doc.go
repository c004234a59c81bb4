// Package merkle is the tamper-evident log of the audit rows, and its check.
//
// A log is a Merkle tree over entries, hashed as RFC 6962, section 2.1, has it, and
// published as files in the forms of C2SP: https://c2sp.org/tlog-tiles, tlog-checkpoint,
// signed-note and tlog-proof. Whoever has the files can check the log offline, years
// later, without trusting who runs it; what follows is all that a verifier has to know.
// testdata/verify.py is one, written from this text.
//
// # The log
//
// There is one log for each calendar year, with an origin `<host>/audit/<year>` and
// keys of its own. It holds the audit rows whose time, in UTC, is of that year, in the
// order in which they were sealed, at positions from 0 on without a gap.
//
// # An entry
//
// An entry is one audit row in canonical JSON (RFC 8785): an object with its words in
// alphabetical order, no white space and the shortest escapes. What is empty is left
// out, and no other word may be there.
//
//	act          what was done; always there
//	actor        who did it, an opaque id
//	application  the case
//	candidate    whose case it is, an opaque id
//	id           of the audit row: a UUID in lower case, at most once in the log; always there
//	object       what it was done to
//	payload      SHA-256 of what was asked for, in lower-case hexadecimal
//	records      a list of "<kind> <id> <SHA-256 in hexadecimal>", one for each row or
//	             event that the act left; the id may hold spaces, the other two do not
//	request      id of the request
//	role         in which the actor acted
//	sequence     place in the case, from 1 on
//	standard     the standard that applied
//	time         YYYY-MM-DDThh:mm:ss.ffffffZ, always with six digits of a second; always there
//	v            1; always there
//
// Entries are public and for ever. A digest over personal data is salted:
// SHA-256(salt ‖ bytes), where the salt is 32 bytes and can be destroyed. An entry is
// shorter than 64 KiB.
//
// # The tree
//
// The hash of a leaf is SHA-256(0x00 ‖ entry), that of a node SHA-256(0x01 ‖ left ‖
// right), and the root of no entries SHA-256 of nothing. The left subtree of a node
// over n leaves is over the largest power of two less than n.
//
// # The files
//
// A publication is a folder with a file `logs`, which lists the years, one a line, and
// a folder for each year. A path of tile number N is written in groups of three digits,
// each but the last after an x: 1234067 is x001/x234/067. A tile that is not complete
// has `.p/` and its width after it.
//
//	<year>/checkpoint             the newest checkpoint; replaced last, when the rest is there
//	<year>/tile/entries/<N>       entries N*256 to N*256+255, each after its length in
//	                              two bytes, the higher one first
//	<year>/tile/0/<N>             the hashes of the same 256 leaves, 32 bytes each
//	<year>/tile/<L>/<N>           256 hashes, each over a complete tile of level L-1
//	<year>/tile/<L>/<N>.p/<W>     the first W of those, at the right edge of the tree
//	<year>/keys                   the verifier keys of the log, oldest first, one a line;
//	                              after a space, the file of the checkpoint that introduces it
//	<year>/checkpoint-<size>      a checkpoint that introduces a key
//	<record>.tlog-proof           the proof of one record, wherever it was handed out
//
// A partial tile may be removed when the complete one is there: its reader takes the
// beginning of that. Files past the checkpoint may be there already.
//
// # A checkpoint
//
// A checkpoint is a signed note. Its text is the origin, the size of the log in decimal
// digits and the root in base64, a line each; then an empty line, and signatures
// `— <name> <base64 of 4 bytes of key id and the signature>`. The signature is Ed25519
// over the text with its last newline. A verifier key is
// `<name>+<key id in hexadecimal>+<base64 of 0x01 and the public key>`, with the key id
// the first 4 bytes of SHA-256(name ‖ 0x0A ‖ 0x01 ‖ public key), and for a key of the
// log the name is the origin. Other signatures may be there: those of witnesses, say.
//
// # A change of keys
//
// The checkpoint that introduces a key has a fourth line, `next key <verifier key>`, and
// is signed by a key before and by the new one. Who trusts the former trusts the latter
// from then on: the old key vouches for the new, which shows that somebody has it. The
// old key is spent: under a checkpoint that counts more than this one its signature
// means nothing, nor does another change of keys that it signs. A second signature without that line means nothing, for a checkpoint is public and
// anybody can put his own under it. A log must go on from each of these checkpoints as
// from any other that was kept.
//
// # What a verification shows
//
// That no record up to the checkpoint was changed, put in, taken out or moved since a
// key that the verifier trusts signed it. That the owner did not make the whole log
// anew, or cut off its end, only an older checkpoint shows, kept by somebody else:
// hence the proofs with every certificate, and publications in many hands. An older
// publication names the first record that differs; of older checkpoints, the last that
// agrees and the first that does not tell between which records it is.
package merkle
