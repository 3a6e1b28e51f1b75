"""Names in the forms in which they are compared: without accents and punctuation, articles, the spelling of numbers.

Polars is imported where a column is worked on: a search has no use for it.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import polars as pl

KEY_LENGTH = 100

# Marks that are accents or vocalisation; in any other script (Devanagari, Thai, kana …) a mark is part of the letter.
_ACCENTS = re.compile(
    "[\u0300-\u036f\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe00-\ufe2f\u0591-\u05c7\u064b-\u065f\u0670]"
)
_LETTERS = {"й": "й", "ї": "ї", "ў": "ў", "ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "æ": "ae", "œ": "oe"}
_LETTERS |= {"ı": "i", "ħ": "h", "ŋ": "n", "ə": "e", "ك": "ک", "ي": "ی", "ى": "ی", "ـ": "", "·": "", ".": "", "*": ""}
_LETTERS |= {"&": " and ", "＆": " and "} | dict.fromkeys("'’‘ʼʻʹ`′", "'")
_FRACTIONS = frozenset("¼½¾⅐⅑⅒⅓⅔⅕⅖⅗⅘⅙⅚⅛⅜⅝⅞")
_CONTRACTION = r"'(s|t|d|m|re|ve|ll)\b"
_CONTRACTIONS = re.compile(_CONTRACTION)
# Scripts written without spaces, or (Hangul) with spaces that people put differently.
UNSPACED = (
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\U00020000-\U0003ffff]"
)
UNSPACED_WORD = re.compile(UNSPACED)


def _words(text: str) -> list[str]:
    return text.split()


_ARTICLES = frozenset(_words("the a an le la les l un une el los las il lo gli der die das ein eine het een o os"))
_TRAILING_ARTICLES = frozenset(_words("the le la les el los las il gli der das het"))
_SMALL = _words(
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen "
    "eighteen nineteen twenty"
)
_TENS = {"thirty": "30", "forty": "40", "fifty": "50", "sixty": "60", "hundred": "100"}
_NUMBERS = {word: str(number) for number, word in enumerate(_SMALL)} | _TENS
_ROMAN_WORDS = _words("i ii iii iv v vi vii viii ix x xi xii xiii xiv xv xvi xvii xviii xix xx")
_ROMAN = {word: str(number) for number, word in enumerate(_ROMAN_WORDS, start=1)}
_DOUBTFUL = frozenset("ivx")  # also a pronoun, "versus" and an initial: a number only at the end or after "part"
_PARTS = frozenset(_words("part parts chapter episode vol volume book number no"))


class _Fold(dict[int, str]):
    """`str.translate` table that works out a character when it first meets it."""

    def __missing__(self, code: int) -> str:
        self[code] = folded = _fold(chr(code))
        return folded


def _fold(character: str) -> str:
    category = unicodedata.category(character)
    if category == "Cf" or _ACCENTS.match(character):
        return ""
    lowered = character.casefold()
    if lowered in _LETTERS:
        return _LETTERS[lowered]
    bare = _ACCENTS.sub("", unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", lowered).casefold()))
    bare = unicodedata.normalize("NFC", "".join(_LETTERS.get(each, each) for each in bare))
    return "".join(each if unicodedata.category(each)[0] in "LNM" else " " for each in bare)


_FOLD = _Fold()


def normalise(text: str) -> str:
    """A name as it is compared: lower case, without accents and punctuation, words parted by one space.

    Letters that carry meaning stay (й, kana with dakuten, vowel signs); ё is е, ß is ss, & is and, full-width is
    half-width. A name that is all symbols ("$", "...") stays what it is. Never raises; '' only for blank text.
    """
    if not text.isascii():
        if not _FRACTIONS.isdisjoint(text):
            text = "".join(f" {each}" if each in _FRACTIONS else each for each in text)
        text = unicodedata.normalize("NFKC", text.encode("utf-8", "ignore").decode("utf-8"))
    folded = text.translate(_FOLD)
    if "'" in folded:
        folded = _CONTRACTIONS.sub(r"\1", folded).replace("'", " ")
    if not folded.isascii():
        folded = unicodedata.normalize("NFC", folded)
    return " ".join(folded.split()) or " ".join(text.casefold().split())


def normalised(column: pl.Expr) -> pl.Expr:
    """`normalise` for a column of strings, the same result: ASCII is vectorised, the rest goes row by row."""
    import polars as pl

    return column.map_batches(_normalise_series, return_dtype=pl.String, is_elementwise=True)


def _normalise_series(names: pl.Series) -> pl.Series:
    plain = (
        names.str.to_lowercase()
        .str.replace_all(r"[.*]", "")
        .str.replace_all("`", "'", literal=True)
        .str.replace_all("&", " and ", literal=True)
        .str.replace_all(r"[^a-z0-9']+", " ")
        .str.replace_all(_CONTRACTION, "$1")
        .str.replace_all(r"[' ]+", " ")
        .str.strip_chars(" ")
    )
    return _with_rest(names, plain, (names.str.len_bytes() != names.str.len_chars()) | (plain == ""), normalise)


def _with_rest(source: pl.Series, plain: pl.Series, rest: pl.Series, function: Any) -> pl.Series:
    """`plain`, but `function` of the source where `rest` holds."""
    where = rest.fill_null(False).arg_true()
    if len(where) == 0:
        return plain
    # Names repeat ("Episode #1.1"), so each distinct one is worked out once.
    chosen = source.gather(where)
    distinct = chosen.unique()
    table = dict(zip(distinct, map(function, distinct), strict=True))
    import polars as pl

    return plain.scatter(where, pl.Series([table[name] for name in chosen], dtype=pl.String))


def bare_words(name: str) -> list[str]:
    """The words of a normalised name without a leading or trailing article, numbers as digits."""
    words = name.split(" ")
    if len(words) > 1 and words[0] in _ARTICLES:
        del words[0]
    elif len(words) > 1 and words[-1] in _TRAILING_ARTICLES:
        del words[-1]
    return _numerals(words)


def name_key(name: str) -> str:
    """What stays of a normalised name when spaces, articles and the spelling of numbers do not count.

    "the matrix" → "matrix", "spider man" → "spiderman", "rocky ii" and "rocky two" → "rocky2". At most 100 characters.
    """
    return "".join(bare_words(name))[:KEY_LENGTH]


def _numerals(words: Sequence[str]) -> list[str]:
    """ "two" and "ii" → "2"; the first word is never a Roman numeral."""
    result = []
    for place, word in enumerate(words):
        number = _NUMBERS.get(word)
        if (
            number is None
            and place
            and (word not in _DOUBTFUL or place == len(words) - 1 or words[place - 1] in _PARTS)
        ):
            number = _ROMAN.get(word)
        result.append(number or word)
    return result


def name_keys(column: pl.Expr) -> pl.Expr:
    """`name_key` for a column of normalised names, the same result."""
    import polars as pl

    return column.map_batches(_key_series, return_dtype=pl.String, is_elementwise=True)


def _key_series(names: pl.Series) -> pl.Series:
    leading = rf"^(?:{'|'.join(sorted(_ARTICLES))}) "
    trailing = rf" (?:{'|'.join(sorted(_TRAILING_ARTICLES))})$"
    number = rf"(?:^| )(?:{'|'.join([*_NUMBERS, *_ROMAN])})(?: |$)"
    has_leading = names.str.contains(leading)
    plain = names.str.replace(leading, "").zip_with(has_leading, names.str.replace(trailing, ""))
    plain = plain.str.replace_all(" ", "", literal=True).str.slice(0, KEY_LENGTH)
    return _with_rest(names, plain, names.str.contains(number), name_key)
