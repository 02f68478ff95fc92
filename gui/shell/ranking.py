"""How well a typed text fits a title: letters in order, better at the beginning of words and side by side."""

from __future__ import annotations

from collections.abc import Iterable, Sequence


def fit(query: str, title: str) -> tuple[float, tuple[int, ...]] | None:
    """A score (higher is better) and the places of the letters that matched; None when they are not all there, in order.

    Spaces in the query separate parts that may each match anywhere.
    """
    score, places = 0.0, []
    low = title.lower()
    for word in query.lower().split():
        found = _word(word, low)
        if found is None:
            return None
        score += found[0]
        places.extend(found[1])
    return score - len(title) * 0.01, tuple(sorted(set(places)))


def _word(word: str, low: str) -> tuple[float, list[int]] | None:
    at = low.find(word)
    if at >= 0:  # side by side: best at the start of the title or of a word
        starts = at == 0 or not low[at - 1].isalnum()
        if not starts:
            later = next((i for i in range(at + 1, len(low)) if low.startswith(word, i) and not low[i - 1].isalnum()), -1)
            if later >= 0:
                at, starts = later, True
        bonus = 40.0 if at == 0 else 30.0 if starts else 12.0
        return bonus + 4.0 * len(word) - at * 0.05, list(range(at, at + len(word)))
    places: list[int] = []
    position, score = 0, 0.0
    for char in word:
        here = _next(low, char, position)
        if here < 0:
            return None
        if here == 0 or not low[here - 1].isalnum():
            score += 3.0
        elif places and here == places[-1] + 1:
            score += 2.0
        else:
            score -= 1.0 + 0.05 * (here - position)
        places.append(here)
        position = here + 1
    return (score, places) if score > 0 else None


def _next(low: str, char: str, start: int) -> int:
    """The next place of a letter: the beginning of a word when there is one ahead, else the first."""
    first = low.find(char, start)
    at = first
    while at >= 0:
        if at == 0 or not low[at - 1].isalnum() or at == start:
            return at
        at = low.find(char, at + 1)
    return first


def names(query: str, lowered: Sequence[str], limit: int) -> list[int]:
    """Places of the names that hold every word of `query`, those that end in it first; made for 100,000 names."""
    words = query.lower().split()
    if not words:
        return []
    found: list[tuple[int, int, int]] = []
    for place, name in enumerate(_holding(words, lowered)):
        at = name[1].rfind(words[-1])
        rest = len(name[1]) - at - len(words[-1])
        found.append((0 if rest == 0 else 1 if at == 0 or not name[1][at - 1].isalnum() else 2, len(name[1]), name[0]))
        if place >= 2000:  # enough to rank; the person types on
            break
    found.sort()
    return [entry[2] for entry in found[:limit]]


def _holding(words: Sequence[str], lowered: Sequence[str]) -> Iterable[tuple[int, str]]:
    first, rest = words[0], words[1:]
    for place, name in enumerate(lowered):
        if first in name and all(word in name for word in rest):
            yield place, name
