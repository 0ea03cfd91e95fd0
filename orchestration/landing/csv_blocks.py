"""The bytes of a csv file, cut where records end, and where the records of a block are.

Everything rests on the parity of the quotes before a place: inside quotes or outside. It says so
only of blocks whose quotes and line endings are in order, and refuses the file otherwise.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO

import numpy as np

from orchestration.landing.report import RefusedFileError

BLOCK_BYTES = 1 << 20
MAX_RECORD_BYTES = 64 << 20
_BOM = b"\xef\xbb\xbf"
_QUOTE, _COMMA, _LF, _CR = 0x22, 0x2C, 0x0A, 0x0D
_ENDINGS = {b"\n": "LF", b"\r\n": "CR LF"}
_QUOTE_REMEDY = (
    'Quote the whole field and double each quote inside it ("say ""hi"""), and land the file again.'
)

_Bytes = np.ndarray[Any, np.dtype[np.uint8]]
Positions = np.ndarray[Any, np.dtype[np.int64]]
_NOWHERE: Positions = np.zeros(0, np.int64)


@dataclass(frozen=True)
class Scan:
    """A block whose quotes and line endings are in order: where its records are.

    `line_feeds` are all, `ends` those that end a record; a record starts after the end before it.
    """

    array: _Bytes
    quotes: Positions
    line_feeds: Positions
    ends: Positions

    @property
    def starts(self) -> Positions:
        """Where the records begin."""
        starts: Positions = np.concatenate(([0], self.ends[:-1] + 1))
        return starts

    @property
    def lines(self) -> Positions:
        """Lines before the beginning of each record."""
        if len(self.line_feeds) == len(self.ends):
            return np.arange(len(self.ends))
        return np.searchsorted(self.line_feeds, self.starts)

    def count_fields(self) -> Positions:
        """Fields of each record."""
        separators = np.flatnonzero((self.array == _COMMA) | (self.array == _LF))
        if len(self.quotes):
            separators = _outside_quotes(separators, self.quotes)
        return np.diff(np.flatnonzero(self.array[separators] == _LF), prepend=-1)


def read_blocks(stream: BinaryIO, block_bytes: int) -> Iterator[bytes]:
    """Pieces of the file that end at the end of a record; checked to be UTF-8."""
    rest = b""
    taken = 0
    while piece := stream.read(block_bytes):
        if taken == 0 and not rest:
            # A short first read could cut the byte order mark.
            while len(piece) < len(_BOM) and (more := stream.read(block_bytes)):
                piece += more
            if piece.startswith(_BOM):
                piece, taken = piece[len(_BOM) :], len(_BOM)
        rest += piece
        end = _last_record_end(rest)
        if end:
            _check_utf8(rest[:end], taken)
            yield rest[:end]
            rest, taken = rest[end:], taken + end
        elif len(rest) > MAX_RECORD_BYTES:
            _refuse_endless(rest, taken)
        else:
            block_bytes = max(block_bytes, len(rest))
    if rest:
        _check_utf8(rest, taken)
        _refuse_cut_off(rest, taken)


def _last_record_end(data: bytes) -> int:
    """Length of the whole records in `data`, which begins with a record."""
    end = data.rfind(b"\n") + 1
    if data.count(b'"', 0, end) % 2 == 0:
        return end
    array = np.frombuffer(data, np.uint8)
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
    if data.isascii():
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
    line_feeds = ends = np.flatnonzero(array == _LF)
    quotes = _NOWHERE
    if b'"' in block:
        quotes = np.flatnonzero(array == _QUOTE)
        _check_quotes(array, quotes, first_line)
        ends = _outside_quotes(line_feeds, quotes)
    if b"\r" in block or line_ending == b"\r\n":
        _check_line_endings(array, quotes, ends, line_ending, first_line)
    return Scan(array, quotes, line_feeds, ends)


def _check_quotes(array: _Bytes, quotes: Positions, first_line: int) -> None:
    """A quote opens a field right after its beginning and closes it right before its end.

    Of quotes in a row the even ones (from 0) open and the odd ones close; a doubled quote closes
    and opens again. The block ends with a line feed outside quotes, so there is a byte after each
    closing quote, and the count is even.
    """
    opening, closing = quotes[0::2], quotes[1::2]
    before = array[np.maximum(opening - 1, 0)]
    opens = (opening == 0) | np.isin(before, (_COMMA, _LF, _QUOTE))
    closes = np.isin(array[closing + 1], (_COMMA, _LF, _CR, _QUOTE))
    wrong = np.concatenate((opening[~opens], closing[~closes]))
    if len(wrong):
        line = first_line + int((array[: int(wrong.min())] == _LF).sum())
        raise RefusedFileError(
            f"line {line}: a bare quote, so it cannot be said where the fields end.", _QUOTE_REMEDY
        )


def _check_line_endings(
    array: _Bytes,
    quotes: Positions,
    ends: Positions,
    line_ending: bytes,
    first_line: int,
) -> None:
    """All records end alike, and no carriage return stands anywhere else outside quotes."""
    returns = np.flatnonzero(array == _CR)
    if len(quotes):
        returns = _outside_quotes(returns, quotes)
    expected = ends - 1 if line_ending == b"\r\n" else ends[:0]
    if not np.array_equal(returns, expected):
        odd = int(np.setxor1d(returns, expected)[0])
        line = first_line + int((array[:odd] == _LF).sum())
        raise RefusedFileError(
            f"line {line}: its ending is not that of the header ({_ENDINGS[line_ending]}), or a "
            "carriage return stands in a field without quotes.",
            "End all lines alike and quote fields that hold line breaks.",
        )
