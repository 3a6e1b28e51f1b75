"""What people do to a name when they type it: slips of the fingers, words left out or moved, other spellings.

Each takes a name and gives what is typed, or None for a name that has nothing of the kind to change.
"""

from __future__ import annotations

import random
import re
import unicodedata

_ROWS = ("qwertyuiop", "asdfghjkl", "zxcvbnm")
_AT = {letter: (row, column + row / 2) for row, letters in enumerate(_ROWS) for column, letter in enumerate(letters)}
_NEAR = {
    a: [b for b in _AT if b != a and abs(_AT[a][0] - _AT[b][0]) <= 1 and abs(_AT[a][1] - _AT[b][1]) <= 1] for a in _AT
}
_LETTERS = "".join(_ROWS)
_ARTICLES = ("the ", "a ", "an ", "le ", "la ", "les ", "l'", "el ", "los ", "las ", "il ", "der ", "die ", "das ")
_SUBTITLE = re.compile(r": | [-–—] ")
_WORDS = ["one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"]
_ROMAN = ["I", "II", "III", "IV", "V", "VI", "VII", "VIII", "IX", "X", "XI", "XII"]


def one_typo(name: str, rng: random.Random) -> str | None:
    """One slip in a word of four letters or more."""
    words = list(re.finditer(r"[^\W\d_]{4,}", name))
    if not words:
        return None
    word = rng.choice(words)
    typed = name[: word.start()] + _slip(word[0], rng) + name[word.end() :]
    return typed if typed.casefold() != name.casefold() else None


def two_typos(name: str, rng: random.Random) -> str | None:
    """Two slips in a name of eight letters or more."""
    if sum(letter.isalpha() for letter in name) < 8:
        return None
    once = one_typo(name, rng)
    twice = one_typo(once, rng) if once else None
    return twice if twice and twice.casefold() != name.casefold() else None


def _slip(word: str, rng: random.Random) -> str:
    """A letter mistaken, left out, put in, swapped with the next, or hit beside on the keyboard."""
    kind, at = rng.choice(("mistaken", "left out", "put in", "swapped", "beside", "doubled")), rng.randrange(len(word))
    letter = word[at]
    foreign = not letter.isascii()
    other = rng.choice(word if foreign else _LETTERS)
    if kind == "left out":
        return word[:at] + word[at + 1 :]
    if kind == "put in":
        return word[:at] + other + word[at:]
    if kind == "doubled":
        return word[:at] + letter + word[at:]
    if kind == "swapped" and at + 1 < len(word):
        return word[:at] + word[at + 1] + letter + word[at + 2 :]
    if kind == "beside" and not foreign:
        other = rng.choice(_NEAR[letter.lower()])
    return word[:at] + other + word[at + 1 :]


def no_article(name: str, _rng: random.Random) -> str | None:
    """Without the article that it begins with."""
    low = name.lower().replace("’", "'")
    return next((name[len(each) :] for each in _ARTICLES if low.startswith(each) and len(name) > len(each) + 1), None)


def no_subtitle(name: str, _rng: random.Random) -> str | None:
    """What stands before the first colon or dash."""
    found = _SUBTITLE.search(name)
    return name[: found.start()] if found and found.start() > 2 else None


def numerals(name: str, rng: random.Random) -> str | None:
    """A number from 1 to 12 in another spelling: 2, II, two. "I", "V" and "X" count only as the last word."""
    words = name.split(" ")
    for at, word in enumerate(words):
        bare = word.strip(":,.!")
        if bare.isdigit() and 0 < int(bare) <= 12:
            number = int(bare)
        elif bare in _ROMAN and at and (bare not in "IVX" or at == len(words) - 1):
            number = _ROMAN.index(bare) + 1
        elif bare.lower() in _WORDS:
            number = _WORDS.index(bare.lower()) + 1
        else:
            continue
        spellings = [str(number), _WORDS[number - 1], *([_ROMAN[number - 1]] if at else [])]
        other = rng.choice([each for each in spellings if each.lower() != bare.lower()])
        return " ".join([*words[:at], word.replace(bare, other), *words[at + 1 :]])
    return None


def word_order(name: str, rng: random.Random) -> str | None:
    """The last word first, the two halves swapped, or the article at the end."""
    words = name.replace(":", "").split()
    if len(words) < 2 or len({word.lower() for word in words}) < 2:
        return None
    if words[0].lower() in ("the", "a", "an") and rng.random() < 0.5:
        return f"{' '.join(words[1:])}, {words[0]}"
    at = len(words) - 1 if rng.random() < 0.5 else rng.randrange(1, len(words))
    return " ".join(words[at:] + words[:at])


_CYRILLIC = dict(zip("абвгдезийклмнопрстуфыэёъь", "abvgdeziyklmnoprstufyee--", strict=True))
_CYRILLIC |= {"ж": "zh", "х": "kh", "ц": "ts", "ч": "ch", "ш": "sh", "щ": "shch", "ю": "yu", "я": "ya"}
_CYRILLIC |= {"і": "i", "ї": "yi", "є": "ye", "ґ": "g", "ј": "j", "љ": "lj", "њ": "nj", "ћ": "c", "ђ": "dj", "џ": "dz"}
_GREEK = dict(zip("αβγδεζηικλμνξοπρσςτυφω", "avgdeziiklmnxoprsstyfo", strict=True))
_GREEK |= {"θ": "th", "χ": "ch", "ψ": "ps"}
_ALPHABETS = {key: value.replace("-", "") for key, value in (_CYRILLIC | _GREEK).items()}
_UMLAUTS = {"ä": "ae", "ö": "oe", "ü": "ue", "ø": "oe", "å": "aa", "ß": "ss", "æ": "ae", "œ": "oe"}
_BARE = {"ø": "o", "ß": "ss", "æ": "ae", "œ": "oe", "ł": "l", "đ": "d", "ı": "i", "ð": "d", "þ": "th"}


def transliterated(name: str, rng: random.Random) -> str | None:
    """In ASCII letters: Cyrillic and Greek by sound, accents left out, umlauts now and then as two letters."""
    if name.isascii():
        return None
    table = _ALPHABETS | (_BARE | _UMLAUTS if rng.random() < 0.3 else _BARE)
    low = unicodedata.normalize("NFC", name.lower())
    folded = "".join(table.get(letter) or _bare(letter, table) for letter in low)
    return folded if folded.isascii() and any(map(str.isalnum, folded)) else None


def _bare(letter: str, table: dict[str, str]) -> str:
    if letter in table:
        return table[letter]
    decomposed = "".join(c for c in unicodedata.normalize("NFKD", letter) if not unicodedata.combining(c))
    return "".join(table.get(each, each) for each in decomposed)
