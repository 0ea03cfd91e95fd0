"""The bytes of a csv file, cut where records end, and where the records of a block are.

Everything rests on the parity of the quotes before a place: inside quotes or outside. It says so
only of blocks whose quotes and line endings are in order, and refuses the file otherwise. Blocks
are looked at 64 bytes at a time, a bit for each byte, as simdjson does (Langdale and Lemire,
"Parsing gigabytes of JSON per second", 2019): positions of quotes would be eight times the file.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any, BinaryIO

import numpy as np
import pyarrow as pa

from orchestration.landing.report import RefusedFileError

BLOCK_BYTES = 2 << 20
MAX_RECORD_BYTES = 64 << 20
_BOM = b"\xef\xbb\xbf"
_QUOTE, _COMMA, _LF, _CR = 0x22, 0x2C, 0x0A, 0x0D
_ENDINGS = {b"\n": "LF", b"\r\n": "CR LF"}
_QUOTE_REMEDY = (
    'Quote the whole field and double each quote inside it ("say ""hi"""), and land the file again.'
)

_Bytes = np.ndarray[Any, np.dtype[np.uint8]]
_Flags = np.ndarray[Any, np.dtype[np.bool_]]
Positions = np.ndarray[Any, np.dtype[np.int64]]
# A bit for each byte of a block, the first byte in the lowest bit of the first word.
_Words = np.ndarray[Any, np.dtype[np.uint64]]
_NONE, _ONE, _LAST = np.uint64(0), np.uint64(1), np.uint64(63)
_PIECE = 1 << 16


@dataclass(frozen=True)
class Scan:
    """A block whose quotes and line endings are in order, and where its records are.

    `record_count` are the line feeds that end a record, `line_feed_count` all of them; `inside`
    says which bytes are in quotes, None where there are no quotes.
    """

    array: _Bytes
    inside: _Words | None
    line_feed_count: int
    record_count: int

    @property
    def has_quotes(self) -> bool:
        """Whether a quote is in the block."""
        return self.inside is not None

    @cached_property
    def line_feeds(self) -> Positions:
        """Where the line feeds are, also those in quotes."""
        return np.flatnonzero(self.array == _LF)

    @cached_property
    def ends(self) -> Positions:
        """Where the line feeds are that end a record."""
        return self.outside_quotes(self.line_feeds)

    @property
    def starts(self) -> Positions:
        """Where the records begin: after the end of the one before."""
        starts: Positions = np.concatenate(([0], self.ends[:-1] + 1))
        return starts

    @property
    def lines(self) -> Positions:
        """Lines before the beginning of each record."""
        if self.line_feed_count == self.record_count:
            return np.arange(self.record_count)
        return np.searchsorted(self.line_feeds, self.starts)

    def count_fields(self) -> Positions:
        """Fields of each record."""
        separators = np.flatnonzero((self.array == _COMMA) | (self.array == _LF))
        separators = self.outside_quotes(separators)
        return np.diff(np.flatnonzero(self.array[separators] == _LF), prepend=-1)

    def outside_quotes(self, positions: Positions) -> Positions:
        """Those of some positions that are not in quotes."""
        return positions if self.inside is None else positions[~self._is_inside[positions]]

    @cached_property
    def _is_inside(self) -> _Flags:
        assert self.inside is not None
        return _flags(self.inside, len(self.array))


def read_blocks(
    stream: BinaryIO, block_bytes: int, *, is_known_whole: bool = False
) -> Iterator[bytes]:
    """Pieces of the file that end at the end of a record; checked to be UTF-8.

    A last record without a line break gets one where the file `is_known_whole`; otherwise the file
    may be cut off inside its last value, and is refused.
    """
    rest = b""
    taken = 0
    line_ending: bytes | None = None
    while piece := stream.read(block_bytes):
        if taken == 0 and not rest:
            # A short first read could cut the byte order mark.
            while len(piece) < len(_BOM) and (more := stream.read(block_bytes)):
                piece += more
            if piece.startswith(_BOM):
                piece, taken = piece[len(_BOM) :], len(_BOM)
        end = _last_record_end(rest, piece)
        if end:
            # Each byte is copied once: a block is what was left over and most of the new piece.
            block = b"".join((rest, memoryview(piece)[: end - len(rest)]))
            _check_utf8(block, taken)
            if line_ending is None:
                header = block[: block.index(b"\n") + 1]
                line_ending = b"\r\n" if header.endswith(b"\r\n") else b"\n"
            yield block
            rest, taken = piece[end - len(rest) :], taken + end
            continue
        rest += piece
        if len(rest) > MAX_RECORD_BYTES:
            _refuse_endless(rest, taken)
        block_bytes = max(block_bytes, len(rest))
    if rest:
        _check_utf8(rest, taken)
        if not is_known_whole or rest.count(b'"') % 2:
            _refuse_cut_off(rest, taken)
        yield rest + (b"\n" if rest.endswith(b"\r") else line_ending or b"\n")


def _last_record_end(rest: bytes, piece: bytes) -> int:
    """Length of the whole records in `rest + piece`, which begins with a record and goes on after
    `rest` without the end of one; 0 where no record of it ends in `piece`.
    """
    end = piece.rfind(b"\n") + 1
    quotes = rest.count(b'"')
    if quotes or b'"' in piece:
        quotes += int(np.count_nonzero(np.frombuffer(piece, np.uint8, end) == _QUOTE))
    if quotes % 2 == 0:
        return len(rest) + end if end else 0
    array = np.frombuffer(rest + piece, np.uint8)
    ends = _outside_quotes(np.flatnonzero(array == _LF), np.flatnonzero(array == _QUOTE))
    return int(ends[-1]) + 1 if len(ends) else 0


def first_record_end(block: bytes) -> int:
    """Length of the first record of a block, with its line ending."""
    array = np.frombuffer(block, np.uint8)
    ends = _outside_quotes(np.flatnonzero(array == _LF), np.flatnonzero(array == _QUOTE))
    return int(ends[0]) + 1


def _outside_quotes(positions: Positions, quotes: Positions) -> Positions:
    """Those positions that have an even number of quotes before them."""
    outside: Positions = positions[(np.searchsorted(quotes, positions) & 1) == 0]
    return outside


def _check_utf8(data: bytes, offset: int) -> None:
    if data.isascii() or _is_utf8(data):
        return
    try:
        data.decode("utf-8")
    except UnicodeDecodeError as error:
        at = offset + error.start
        raise RefusedFileError(
            f"not UTF-8: byte {at} (from 0) is 0x{data[error.start]:02X}"
            f"{_encoding_hint(data, at)}.",
            "Export the file again as UTF-8.",
        ) from None


def _is_utf8(data: bytes) -> bool:
    """Whether Arrow, which is quick, calls it UTF-8; Python's own decoder names the byte."""
    text = pa.Array.from_buffers(
        pa.large_string(), 1, [None, pa.array([0, len(data)]).buffers()[1], pa.py_buffer(data)]
    )
    try:
        text.validate(full=True)
    except pa.ArrowInvalid:
        return False
    return True


def _encoding_hint(data: bytes, at: int) -> str:
    if at == 0 and data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return ", which begins a UTF-16 file"
    return ", so it is probably Latin-1 or Windows-1252" if at else ""


def _refuse_cut_off(rest: bytes, offset: int) -> None:
    if rest.count(b'"') % 2:
        raise RefusedFileError(
            f"a quote that opens in the record at byte {offset} is never closed.", _QUOTE_REMEDY
        )
    if b"\r" in rest and b"\n" not in rest:
        raise RefusedFileError(
            "the lines end in a lone carriage return.", "End them in a line feed, or CR and LF."
        )
    raise RefusedFileError(
        f"the last record (at byte {offset}) is not ended by a line break, so the file may be "
        "cut off in the middle of a number.",
        "Land the whole file, with a line break after its last record.",
    )


def _refuse_endless(rest: bytes, offset: int) -> None:
    raise RefusedFileError(
        f"the record at byte {offset} is longer than {MAX_RECORD_BYTES} bytes; a quote is "
        "probably never closed.",
        _QUOTE_REMEDY,
    )


def scan_block(block: bytes, line_ending: bytes, first_line: int) -> Scan:
    """Where the records of a block are, after a check that this can be said at all."""
    array = np.frombuffer(block, np.uint8)
    line_feeds = _where(array, _LF)
    line_feed_count = record_count = int(np.bitwise_count(line_feeds).sum())
    returns = _where(array, _CR) if b"\r" in block else None
    inside: _Words | None = None
    if b'"' in block:
        inside = _inside_checked_quotes(array, line_feeds, returns, first_line)
        record_count = int(np.bitwise_count(line_feeds & ~inside).sum())
    scan = Scan(array, inside, line_feed_count, record_count)
    is_crlf = line_ending == b"\r\n"
    if returns is None:
        all_end_alike = not is_crlf
    else:
        # Every line feed, also in quotes, comes after a carriage return, and none is alone.
        all_end_alike = is_crlf and np.array_equal(_moved_up(returns, first=_NONE), line_feeds)
    if not all_end_alike:
        _check_line_endings(scan, line_ending, first_line)
    return scan


def _inside_checked_quotes(
    array: _Bytes, line_feeds: _Words, returns: _Words | None, first_line: int
) -> _Words:
    """Which bytes are in quotes: from a quote that opens to before the one that closes.

    A quote opens a field right after its beginning and closes it right before its end. Of quotes
    in a row the even ones (from 0) open and the odd ones close; a doubled quote closes and opens
    again. The block ends with a line feed outside quotes, so there is a byte after each closing
    quote, and the count is even.
    """
    quotes = _where(array, _QUOTE)
    inside = _parity(quotes)
    may_precede = _where(array, _COMMA) | line_feeds | quotes
    may_follow = may_precede if returns is None else may_precede | returns
    # Before the first byte comes, as it were, the end of a record.
    wrong = quotes & inside & ~_moved_up(may_precede, first=_ONE)
    wrong |= quotes & ~inside & ~_moved_down(may_follow)
    if wrong.any():
        at = int(_flags(wrong, len(array)).argmax())
        line = first_line + int((array[:at] == _LF).sum())
        raise RefusedFileError(
            f"line {line}: a bare quote, so it cannot be said where the fields end.", _QUOTE_REMEDY
        )
    return inside


def _where(array: _Bytes, byte: int) -> _Words:
    """A bit for each byte: whether it is this one. Done in pieces that stay in the cache."""
    words: _Words = np.zeros(-(-len(array) // 64), "<u8")
    packed = words.view(np.uint8)
    for start in range(0, len(array), _PIECE):
        bits = np.packbits(array[start : start + _PIECE] == byte, bitorder="little")
        packed[start // 8 : start // 8 + len(bits)] = bits
    return words


def _flags(words: _Words, count: int) -> _Flags:
    """A flag for each of the first `count` bits."""
    return np.unpackbits(words.view(np.uint8), count=count, bitorder="little").view(bool)


def _parity(words: _Words) -> _Words:
    """By bit: whether the number of bits that are set up to it, itself included, is odd."""
    parity = words.copy()
    for distance in (1, 2, 4, 8, 16, 32):
        parity ^= parity << np.uint64(distance)
    is_odd = np.bitwise_xor.accumulate((parity >> _LAST).astype(np.uint8))
    # After an odd number in the words before, all bits of a word turn round.
    parity[1:] ^= _NONE - is_odd[:-1].astype(np.uint64)
    return parity


def _moved_up(words: _Words, first: np.uint64) -> _Words:
    """Each bit one place later; `first` comes in at the beginning."""
    moved: _Words = words << _ONE
    moved[0] |= first
    moved[1:] |= words[:-1] >> _LAST
    return moved


def _moved_down(words: _Words) -> _Words:
    """Each bit one place earlier; nothing comes in at the end."""
    moved: _Words = words >> _ONE
    moved[:-1] |= words[1:] << _LAST
    return moved


def _check_line_endings(scan: Scan, line_ending: bytes, first_line: int) -> None:
    """All records end alike, and no carriage return stands anywhere else outside quotes."""
    returns = scan.outside_quotes(np.flatnonzero(scan.array == _CR))
    expected = scan.ends - 1 if line_ending == b"\r\n" else scan.ends[:0]
    if not np.array_equal(returns, expected):
        odd = int(np.setxor1d(returns, expected)[0])
        line = first_line + int((scan.array[:odd] == _LF).sum())
        raise RefusedFileError(
            f"line {line}: its ending is not that of the header ({_ENDINGS[line_ending]}), or a "
            "carriage return stands in a field without quotes.",
            "End all lines alike and quote fields that hold line breaks.",
        )
