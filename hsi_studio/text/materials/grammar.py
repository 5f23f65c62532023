"""The material that a phrase in German, French, Spanish or Chinese is named after, where it is no name of the list.

    "Fichtenwälder" ─▶ Fichte + Wald ─▶ conifer           "champs de blé" ─▶ champ (of) blé    ─▶ wheat
    "verbrannte Wiese" ─▶ meadow, burned ─▶ burned        "château d'eau" ─▶ head not known    ─▶ nothing
    "水泥路面" ─▶ 路面 of 水泥 ─▶ concrete                  "Wasserturm"    ─▶ head not known    ─▶ nothing

The head says what a thing is: the last part of a German compound, the first noun in French and Spanish, the last signs
in Chinese (`chinese.py`). Accents, umlauts (ä, ae, a), articles, plurals and endings of adjectives do not count. Some
heads say nothing of the material (`of`: "Fläche", "zone de", "campo de"); of others some materials make another thing
("Kiesweg" is gravel, "Uferweg" a way). States make another material of one. What follows a preposition or a denial
("sans végétation") is no head. Where the head is not known, the phrase means nothing, and where it is of one of these
languages for certain, nothing else is tried: wrong in silence is worse than nothing.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field

from hsi_studio.text.materials.chinese import chinese_head
from hsi_studio.text.materials.grammar_words import (
    BLOCKED,
    GERMAN_FIRST,
    HAN,
    LANGUAGES,
    NO_LAST,
    OF_ADJECTIVES,
    STATES,
    changed,
    made_of,
    stated,
)

ENDINGS = {"de": ("n", "e", "en", "s", "es", "se", "sen"), "fr": ("s", "x"), "es": ("s", "es")}
LEAST_HEAD, LEAST_KIND = 4, 3  # letters of the last part of a compound: "see" ends French words too
OTHER_VOWEL = re.compile("(?:wald|dach|haus|feld|gras|kraut|holz|bad|dorf|brett)er$")  # "Wälder"
PARTICIPLE = re.compile(r"^(?:be|ge|ver|un|ab|auf|um|ein)\w{3,}t$|(?:ig|lich|isch)$|^(?:offen|dicht|licht|locker)$")


def folded(text: str) -> str:
    """Lower case without accents: "Forêt" is "foret", "Bäume" is "baume"."""
    apart = unicodedata.normalize("NFKD", text.lower().replace("ß", "ss").replace("œ", "oe"))
    return "".join(sign for sign in apart if not unicodedata.combining(sign))


def words(text: str) -> list[str]:
    return re.findall(r"[a-z0-9]+|[\u4e00-\u9fff]+", folded(text))


def numbers(language: str, word: str) -> Iterator[str]:
    """A noun as it stands, and what its singular may be."""
    yield word
    for ending in ENDINGS[language]:
        if word.endswith(ending) and len(word) - len(ending) >= (LEAST_HEAD if language == "de" else LEAST_KIND):
            yield word[: -len(ending)]
    if language == "fr" and word.endswith("aux"):
        yield f"{word[:-3]}al"
    if language == "es" and word.endswith("ces"):
        yield f"{word[:-3]}z"
    if language == "de" and OTHER_VOWEL.search(word):
        yield word[:-2]
    if language == "de" and re.search("[aou]e", word):
        yield from numbers(language, re.sub("([aou])e", r"\1", word))


def adjective(language: str, word: str) -> str:
    """Without its ending: "trockene" and "trockenes", "nue" and "nus", "desnuda" and "desnudos" are one."""
    if language == "de":
        word = re.sub("([aou])e(?=[a-z]{2})", r"\1", word)
        return re.sub(r"(?<=\w{3})(?:e[nrsm]?)+$", "", word)
    if language == "fr":
        word = re.sub(r"(?<=\w{2})(?:euses?|eux)$", "eu", word)
        return re.sub(r"(?<=\w{2})(?:ees?|es|s|x|e)$", "", word)
    return re.sub(r"(?<=\w{2})(?:[oae]?s|[oae])$", "", word)


@dataclass
class Lexicon:
    """The names of one language; `find` reads a phrase."""

    language: str
    english: frozenset[str]
    exact: dict[str, tuple[str, str]] = field(default_factory=dict)  # words → (key, what hides it)
    normal: dict[str, tuple[str, str]] = field(default_factory=dict)

    @classmethod
    def of(cls, language: str, names: Iterable[tuple[str, str, str]], english: Iterable[str]) -> Lexicon:
        """`names`: (name, key, what hides it); of two with one name the first counts. `english`: words that may end
        English ones, and are no last part of a compound by themselves."""
        out = cls(language, frozenset(english))
        for name, key, hides in names:
            out.exact.setdefault(" ".join(words(name)), (key, hides))
        if language != "zh":
            for said, found in out.exact.items():
                out.normal.setdefault(out._normal(out._content(said.split())), found)
        return out

    def find(self, phrase: str, hidden: Collection[str] = ()) -> str | None:
        """Key of a phrase. `hidden`: of what hides names, which then are not looked up."""
        said = words(phrase)
        if self.language == "zh":
            return chinese_head("".join(part for part in said if HAN.search(part)), self.exact, hidden)
        return _head_last(said, self, hidden) if self.language == "de" else _head_first(said, self, hidden)

    def names(self, phrase: str, hidden: Collection[str] = ()) -> str | None:
        """Key of a phrase of several words that is a name of the list as a whole."""
        said = self._content(words(phrase)) if self.language != "zh" else []
        return self.known(said, hidden) if len(said) > 1 else None

    def known(self, said: list[str], hidden: Collection[str]) -> str | None:
        """Of words that are a name as a whole, apart from what does not count."""
        if not said:
            return None
        noun = len(said) - 1 if self.language == "de" else 0
        for one in numbers(self.language, said[noun]):
            many = [*said[:noun], one, *said[noun + 1 :]]
            for found in (self.exact.get(" ".join(many)), self.normal.get(self._normal(many))):
                if found is not None and found[1] not in hidden and one not in BLOCKED:
                    return found[0]
        return None

    def _content(self, said: list[str]) -> list[str]:
        rules = LANGUAGES[self.language]
        return [word for word in said if word not in rules.articles and word not in rules.links] or said

    def _normal(self, said: list[str]) -> str:
        noun = len(said) - 1 if self.language == "de" else 0
        return " ".join(word if k == noun else adjective(self.language, word) for k, word in enumerate(said))


def _said_of(adjectives: Iterable[str]) -> str | None:
    """Material that adjectives name; "urban" says the least."""
    found = [OF_ADJECTIVES[word] for word in adjectives if word in OF_ADJECTIVES]
    return next((key for key in found if key != "roof"), found[0] if found else None)


def _kind(language: str, head: str) -> str:
    """Of "woods", "roofs", "ways" and "of" the first that a head is."""
    rules = LANGUAGES[language]
    alike = set(numbers(language, head))
    return next((kind for kind in ("roofs", "woods", "ways", "of") if alike & getattr(rules, kind)), "")


def _roof(word: str) -> str:
    ends = tuple(LANGUAGES["de"].roofs)
    return "roofs" if any(one.endswith(ends) for one in numbers("de", word)) else ""


def _until(said: list[str], ends: Collection[str]) -> list[str]:
    """Words before the first of `ends`, which is not the first word."""
    return said[: next((k for k, word in enumerate(said) if k and word in ends), len(said))]


def _head_last(said: list[str], lexicon: Lexicon, hidden: Collection[str]) -> str | None:
    rules = LANGUAGES["de"]
    while said and (said[0] in rules.articles or (len(said) > 1 and said[-1].isdecimal())):
        said = said[1:] if said[0] in rules.articles else said[:-1]
    said = _until(said, rules.denials)
    cut = _until(said, rules.stops | rules.links)
    trails = len(cut) > 1 and lexicon.known(cut[-1:], hidden) is None
    if trails and (adjective("de", cut[-1]) in STATES or PARTICIPLE.search(cut[-1])):
        cut = [cut[-1], *cut[:-1]]  # "Dachziegel rot", "Acker bepflanzt"
    made = None
    if len(said) > len(cut) + 1 and said[len(cut)] in rules.links:
        made = _head_last(said[len(cut) + 1 :], lexicon, hidden)
    if not cut:
        return None
    key = None
    for start in range(len(cut)):
        key = lexicon.known(cut[start:], hidden)
        if key is not None:
            break
    states = [adjective("de", word) for word in cut[:-1]]
    kind = _kind("de", cut[-1])
    if key is None or start == len(cut) - 1:
        compound = _compound(cut[-1], lexicon, hidden) if key is None else key
        if compound is None and kind == "of":
            key = _said_of(states)
        else:
            key = stated(compound, kind or _roof(cut[-1]), states)
    return made_of(kind, key, made)


def _compound(word: str, lexicon: Lexicon, hidden: Collection[str]) -> str | None:
    """Of one German word by its last part, the longest that is known."""
    if any(one in BLOCKED for one in numbers("de", word)):
        return None
    for start in range(2, len(word) - LEAST_KIND + 1):
        first, last = word[:start], word[start:]
        alike = set(numbers("de", last))
        if alike & BLOCKED:
            return None
        own, kind = lexicon.known([last], hidden), _kind("de", last)
        if alike & NO_LAST or (not kind and (own is None or len(last) < LEAST_HEAD)):
            continue
        state = next((one for one in (first, adjective("de", first)) if one in STATES), None)
        made = next((key for one in _joints(first) if (key := lexicon.known([one], hidden)) is not None), None)
        if made is None and kind and len(first) > LEAST_HEAD:
            made = _compound(first, lexicon, hidden)
        if made is None and state is None and first not in GERMAN_FIRST:
            if len(first) < LEAST_HEAD:
                continue  # "cookies" are no "Kies"
            if not kind and lexicon.english & alike:
                return None  # "airplane" is no "Plane"
        return stated(made_of(kind, None if kind == "of" else own, made), kind, [state] if state is not None else [])
    return None


def _joints(first: str) -> Iterator[str]:
    """The first part of a compound without what joins it: "fichten-wald", "zeder-n", "schiff-s"."""
    yield first
    yield f"{first}e"  # "kirsch-baum", "brach-fläche"
    for joint in ("n", "s", "en", "es", "er"):
        if first.endswith(joint):
            yield first[: -len(joint)]


def _head_first(said: list[str], lexicon: Lexicon, hidden: Collection[str]) -> str | None:
    language = lexicon.language
    rules = LANGUAGES[language]
    if len(said) > 1 and said[-1].isdecimal():
        said = said[:-1]
    while said and (said[0] in rules.articles or rules.before & set(numbers(language, said[0]))):
        said = said[1:]
    whole = lexicon.known(lexicon._content(said), hidden)
    if whole is not None or not said:
        return whole
    said = _until(said, rules.denials | rules.stops)
    content = lexicon._content(said)
    for size in range(len(content), 0, -1):
        key = lexicon.known(content[:size], hidden)
        if key is not None:
            break
    if not content:
        return None
    kind = _kind(language, content[0]) if size == 1 else ""
    direct = _until(said, rules.links)  # adjectives of the head
    states = [adjective(language, word) for word in direct[1:]]
    rest = said[len(direct) + 1 :]
    made = _head_first(rest, lexicon, hidden) if kind and rest else None
    if kind == "of" and made is None:
        if key is not None and changed(key, states) != key:
            return changed(key, states)
        return _said_of(states) or (key if not rest or content[0] in rules.grown else None)
    return stated(made_of(kind, key, made), _kind(language, content[0]), states)


def has_small_words(phrase: str) -> bool:
    """Whether a phrase is no English for certain, by its articles and prepositions."""
    return any(word in rules.own for word in words(phrase) for rules in LANGUAGES.values())


def languages_of(phrase: str, english: Collection[str]) -> tuple[tuple[str, ...], bool]:
    """Languages that a phrase may be in, English left out, and whether it is no English for certain: by its small
    words, else by accents. `english`: words by which it may be English all the same."""
    if HAN.search(phrase):
        return ("zh",), True
    said = words(phrase)
    counts = {name: sum(word in rules.own for word in said) for name, rules in LANGUAGES.items()}
    if any(counts.values()):
        shared = {n: sum(word in rules.articles | rules.links for word in said) for n, rules in LANGUAGES.items()}
        likely = sorted(LANGUAGES, key=lambda name: -counts[name])
        return tuple(name for name in likely if counts[name] or shared[name]), True
    accents = set(phrase.lower()) - set(folded(phrase))
    if accents:  # umlauts are German, others are not
        return ("de",) if accents <= set("äöüß") else ("es", "fr") if accents & set("íóúñ") else ("fr", "es"), True
    told = {n: any(w not in english and _is_adjective(n, w) for w in said) for n in ("fr", "es")}
    return tuple(n for n in LANGUAGES if said and (said[-1 if n == "de" else 0] not in english or told.get(n))), False


def _is_adjective(language: str, word: str) -> bool:
    return any(adjective(language, word) in known for known in (STATES, OF_ADJECTIVES))
