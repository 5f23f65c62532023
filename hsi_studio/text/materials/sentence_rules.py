"""The words and patterns that sentences are read by (`reading.py`): amounts, states, denials, places, times.

Numbers here are what is usual, by our judgement; no scene was fitted. Text they are applied to is lower case with one
space between words.
"""

from __future__ import annotations

import re

from hsi_studio.text.materials.names import STATES

AMOUNTS = {
    **dict.fromkeys(("mostly", "mainly", "predominantly", "largely", "dominated by", "primarily"), 3.0),
    **dict.fromkeys(("some", "a little", "traces of", "few", "scattered", "patches of", "occasional", "residue"), 0.5),
}
WET = {"wet": 0.8, "moist": 0.5, "damp": 0.5, "irrigated": 0.6, "flooded": 1.0, "soaked": 1.0}
GAIN = {"dark": 0.65, "darker": 0.65, "very dark": 0.45, "shaded": 0.5, "bright": 1.5, "very bright": 1.9, "pale": 1.3,
        "light": 1.3}  # fmt: skip
COVER = {
    "sparse": 0.5, "thin": 0.5, "patchy": 0.6, "open": 0.6, "emerging": 0.15, "seedlings": 0.15, "just planted": 0.05,
    "newly planted": 0.05, "young": 0.4, "closed": 1.0, "dense": 1.0, "full": 1.0,
}  # fmt: skip
RIPE = ("ripe", "mature", "golden", "senescent", "yellowing")
HARVESTED = ("harvested", "stubble", "after harvest", "after the harvest")
NOT = re.compile(
    r"\b(?:unlike|(?:(?:more|less) \w+|\w+er) than|than|not|no|without|instead of|compared (?:with|to)|except|free of|"
    r"nor|never|lack(?:s|ing)?|hardly any|non(?=[ -](?:vegetat|water|forest|crop|built|urban|grass|roof|tree|soil)))"
    r"\b[^,;:.()]*"
)
COLOUR = re.compile(  # named after a material
    r"\b(?:straw|brick|sand|rust|grass|snow|chalk|slate|soil|stone|earth|leaf|coal|clay)[ -]"
    r"(?:yellow|red|green|gr[ae]y|white|brown|black|blue|colou?red)\b"
)
SPECTRAL = re.compile(  # of a part of the spectrum, not of the thing
    r"\b(?:(?:very|rather|fairly|moderately) )?(?:dark|bright|pale|light)(?:er)? (?:in|at|beyond|below|above|towards) "
    r"(?:the )?(?:near|short|visible|nir|swir|infrared|blue|green|red|\d+)\b[^,;:.()]*|\bred edge\b|"
    r"\b(?:leaf|plant|liquid)[ -]water\b(?: \w+)?|\bwater (?:dips?|absorptions?|bands?|content|features?)\b"
)
CAST = re.compile(r"(?<=\bshadow)(?:s? (?:of|from|cast by)\b)[^,;:.()]*")
PLACE = re.compile(
    r"\b(?:close to|next to|near|beside|along|around|far from|away from|surrounded by|borders? on|bordering|"
    r"adjacent to|between)\b[^,;:.()]*"
)
CLAUSE = re.compile(r"[,;:.()]|\b(?:with|and|over|above|on|under|plus|mixed|containing|including|made of|covered by)\b")
NUMBERS = {"one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9, "ten": 10,
           "eleven": 11, "twelve": 12}  # fmt: skip
MONTHS = ["january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november",
          "december"]  # fmt: skip
SAID_TIME = re.compile(
    rf"\b(\d+|{'|'.join(NUMBERS)})[ -](day|week|month)s?[ -]after[ -](?:planting|sowing|seeding|emergence)\b"
)
SAID_DATE = re.compile(  # never a bare month: "soil may be dry"
    rf"\b(?:(?:in|on|of|early|mid|late) |(\d{{1,2}})\.? (?:of )?)+({'|'.join(MONTHS)})\b(?: \d{{4}})?"
)
ISO_DATE = re.compile(r"\b(?:19|20)\d\d-(\d\d)-(\d\d)\b")
_METRES = r"\d+(?:\.\d+)? ?m(?:etres?|eters?)?\b"
SAID_HEIGHT = re.compile(
    rf"\b(?:(?:taller|higher|lower|shorter) than|up to) {_METRES}|\b(?:between )?\d+(?:\.\d+)? (?:to|and|–|-) {_METRES}"
    rf"(?: (?:tall|high|above (?:the )?ground))?|\b{_METRES} (?:tall|high|above (?:the )?ground)\b"
    r"|\babove (?:the )?ground\b"
)
PERCENT = re.compile(r"(\d+(?:\.\d+)?) ?(?:%|percent|per cent)")
ADJECTIVES = 4  # a clause of so few words without a name may be a state of the one before
STATE_WORDS = {*WET, *GAIN, *COVER}
KIND_WORDS = frozenset(word for words in STATES for word in words.split("|")) | {"turbid"}  # that begin a kind's name
PARTS_OF_PLANTS = ("canopy", "canopies", "crown", "crowns", "foliage", "leaves")
GENERAL = {"tree": "tree", "roof": "roof", "grass": "grass", "crop": "crop", "vegetation": "", "low vegetation": ""}
HALF_COVERED_WEEKS, CLOSING_WEEKS = 6.5, 1.2
PLANTED_WEEK = 18.0  # of the year: 5 May
SUMMER_RIPE_WEEK, CEREAL_RIPE_WEEK, CEREAL_CUT_WEEK = 38.0, 27.0, 31.0
