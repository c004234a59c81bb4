"""Checks the published log of a year with nothing but Python's own library.

    python3 verify.py FOLDER [VKEY] [POSITION ...]

It recomputes every hash of the tree from the entries, holds the tiles and the
checkpoint to them, checks the signature where the package `cryptography` is there,
and proves each given position from the tiles alone. It is written from the package
comment, not from the Go code, and shares nothing with it.
"""

import base64
import hashlib
import json
import pathlib
import sys

WIDTH = 256


def fail(what):
    print(what)
    sys.exit(1)


def leaf(entry):
    return hashlib.sha256(b"\x00" + entry).digest()


def node(left, right):
    return hashlib.sha256(b"\x01" + left + right).digest()


def tree(hashes):
    """The root over any number of hashes: RFC 6962, section 2.1."""
    if not hashes:
        return hashlib.sha256(b"").digest()
    if len(hashes) == 1:
        return hashes[0]
    k = 1
    while k * 2 < len(hashes):
        k *= 2
    return node(tree(hashes[:k]), tree(hashes[k:]))


def path(kind, n, width):
    digits = "%03d" % (n % 1000)
    while n >= 1000:
        n //= 1000
        digits = "x%03d/%s" % (n % 1000, digits)
    return "tile/%s/%s" % (kind, digits) + ("" if width == WIDTH else ".p/%d" % width)


def read(log, kind, n, width):
    try:
        return (log / path(kind, n, width)).read_bytes()
    except FileNotFoundError:
        fail("record %d is missing" % (n * WIDTH) if kind == "entries" else "%s is missing" % path(kind, n, width))


def bundle(log, n, width):
    data = read(log, "entries", n, width)
    entries = []
    while data:
        size = int.from_bytes(data[:2], "big")
        if len(data) < 2 + size:
            fail("record %d is cut off" % (n * WIDTH + len(entries)))
        entries.append(data[2:2 + size])
        data = data[2 + size:]
    return entries


def checkpoint(log, vkey):
    text, _, signatures = (log / "checkpoint").read_text("utf-8").rpartition("\n\n")
    text += "\n"
    origin, size, root = text.split("\n")[:3]
    if vkey:
        name, key_hash, key = vkey.split("+", 2)
        key = base64.b64decode(key)
        if hashlib.sha256(name.encode() + b"\n" + key).digest()[:4].hex() != key_hash:
            fail("the verifier key contradicts itself")
        mine = [s for s in signatures.splitlines() if s.startswith("\u2014 " + name + " ")]
        raw = [base64.b64decode(s.rsplit(" ", 1)[1]) for s in mine]
        raw = [r[4:] for r in raw if r[:4].hex() == key_hash]
        if name != origin or not raw:
            fail("record 0: the checkpoint is not signed by the key")
        try:
            from cryptography.exceptions import InvalidSignature
            from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
        except ImportError:
            print("the signature was not checked: there is no package cryptography")
        else:
            try:
                Ed25519PublicKey.from_public_bytes(key[1:]).verify(raw[0], text.encode())
            except InvalidSignature:
                fail("record 0: the checkpoint was changed after it was signed")
    return origin, int(size), base64.b64decode(root)


def check_entry(entry, position, year, seen):
    fact = json.loads(entry)
    canonical = json.dumps(fact, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    if canonical.encode() != entry or fact["v"] != 1:
        fail("record %d is not canonical" % position)
    if fact["time"][:4] != year:
        fail("record %d is of another year" % position)
    if fact["id"] in seen:
        fail("record %d was there before" % position)
    seen.add(fact["id"])


def level_zero(log, size, year):
    """The hashes of all entries, each held to its tile."""
    hashes, seen = [], set()
    for first in range(0, size, WIDTH):
        width = min(WIDTH, size - first)
        entries = bundle(log, first // WIDTH, width)
        tile = read(log, "0", first // WIDTH, width)
        for i, entry in enumerate(entries):
            if i >= width or leaf(entry) != tile[32 * i:32 * i + 32]:
                fail("record %d is not what was sealed" % (first + i))
            check_entry(entry, first + i, year, seen)
            hashes.append(leaf(entry))
        if len(entries) < width:
            fail("record %d is missing" % (first + len(entries)))
        if len(tile) != 32 * width:
            fail("the tile of record %d has another length" % first)
    return hashes


def check_levels(log, hashes):
    level = 0
    while len(hashes) >= WIDTH:
        hashes = [tree(hashes[i:i + WIDTH]) for i in range(0, len(hashes) - WIDTH + 1, WIDTH)]
        level += 1
        for first in range(0, len(hashes), WIDTH):
            part = hashes[first:first + WIDTH]
            if read(log, str(level), first // WIDTH, len(part)) != b"".join(part):
                fail("record %d: a hash over it, at level %d, is another one" % (first * WIDTH ** level, level))


class Tiles:
    """Hashes of subtrees from the tiles alone."""

    def __init__(self, log, size):
        self.log, self.size = log, size

    def over(self, lo, hi):
        if hi - lo == 1 or (hi - lo) & (hi - lo - 1) == 0 and lo % (hi - lo) == 0:
            return self.perfect(lo, hi - lo)
        k = 1
        while k * 2 < hi - lo:
            k *= 2
        return node(self.over(lo, lo + k), self.over(lo + k, hi))

    def perfect(self, lo, count):
        level = 0
        while count >= WIDTH:
            lo, count, level = lo // WIDTH, count // WIDTH, level + 1
        have = self.size // WIDTH ** level - lo // WIDTH * WIDTH
        tile = read(self.log, str(level), lo // WIDTH, min(WIDTH, have))
        at = lo % WIDTH
        return tree([tile[32 * i:32 * i + 32] for i in range(at, at + count)])

    def audit_path(self, m, lo, hi):
        """RFC 6962, section 2.1.1."""
        if hi - lo == 1:
            return []
        k = 1
        while k * 2 < hi - lo:
            k *= 2
        if m < lo + k:
            return self.audit_path(m, lo, lo + k) + [("right", self.over(lo + k, hi))]
        return self.audit_path(m, lo + k, hi) + [("left", self.over(lo, lo + k))]


def check_inclusion(log, size, root, position):
    entries = bundle(log, position // WIDTH, min(WIDTH, size - position // WIDTH * WIDTH))
    h = leaf(entries[position % WIDTH])
    for side, other in Tiles(log, size).audit_path(position, 0, size):
        h = node(h, other) if side == "right" else node(other, h)
    if h != root:
        fail("record %d is not proven" % position)


def main(folder, vkey=None, *positions):
    log = pathlib.Path(folder)
    origin, size, root = checkpoint(log, vkey)
    hashes = level_zero(log, size, origin[-4:])
    check_levels(log, hashes)
    if tree(hashes) != root:
        fail("record 0: the root of the records is not the one that was signed")
    for position in positions:
        check_inclusion(log, size, root, int(position))
    print("%d records of %s, root %s" % (size, origin, root.hex()))


if __name__ == "__main__":
    main(*sys.argv[1:])
