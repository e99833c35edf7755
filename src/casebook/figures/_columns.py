"""Results in words, set in columns: "27/29  93% (77–99)" under "3/3  100% (29–100)", counts under counts."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from casebook.figures import style

GAP = 0.09  # inches between a count and its percentage
NARROW = 0.045  # and before a bracket


class Piece(NamedTuple):
    """A part of a text, and where its left edge stands in inches from the left of the column."""

    words: str
    left: float


def align(texts: Sequence[str], widest: float) -> tuple[list[list[Piece]], float]:
    """The pieces of each text with their places, and the width of it all.

    Two spaces, or one before a bracket, part a text into pieces. Brackets stand last, with their left edges aligned; what is
    before them has its right edges aligned, counted from the bracket. A text of one piece with a letter in it is a sentence: it
    starts at the left and is wrapped to ``widest`` inches.
    """
    split = [[piece for piece in re.split(r"\s{2,}|\s(?=\()", str(text).strip()) if piece] for text in texts]
    sentence = [len(row) == 1 and re.search(r"[^\W\d]", row[0]) is not None for row in split]
    brackets = [
        row[-1] if row and not whole and row[-1].startswith("(") else ""
        for row, whole in zip(split, sentence, strict=True)
    ]
    others = [
        [] if whole else row[:-1] if bracket else row
        for row, whole, bracket in zip(split, sentence, brackets, strict=True)
    ]
    columns = [
        max(style.text_width(row[-i], style.SMALL) for row in others if len(row) >= i)
        for i in range(1, max(map(len, others), default=0) + 1)
    ]
    rights, edge = [], 0.0
    for wide in reversed(columns):
        edge += wide
        rights.insert(0, edge)
        edge += GAP
    end = rights[0] if rights else 0.0
    last = end + NARROW if rights else 0.0
    total = max([end, *(last + style.text_width(bracket, style.SMALL) for bracket in brackets if bracket)])
    widest = max(widest, total)

    placed = []
    for row, whole, other, bracket in zip(split, sentence, others, brackets, strict=True):
        if whole:
            words = style.wrap(row[0], widest, style.SMALL)
            total = max(total, style.text_width(words, style.SMALL))
            placed.append([Piece(words, 0.0)])
            continue
        pieces = [
            Piece(words, rights[i] - style.text_width(words, style.SMALL))
            for i, words in enumerate(reversed(other))
        ]
        placed.append(pieces[::-1] + ([Piece(bracket, last)] if bracket else []))
    return placed, total
