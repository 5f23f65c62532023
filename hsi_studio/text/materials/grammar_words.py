"""The words that names in German, French, Spanish and Chinese are taken apart by (`grammar.py`, `chinese.py`).

All are folded: lower case, without accents, umlauts as the vowel; adjectives without their endings.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass

GRASS = frozenset({"grass", "lawn", "meadow", "low vegetation", "vegetation", "stressed grass"})
TREES = frozenset({"tree", "broadleaf", "conifer", "orchard", "shrub"})
GARDENS = frozenset({"vegetables", "vineyard"})
CEREALS = frozenset({"wheat", "oats"})
CROPS = CEREALS | {"crop", "maize", "soybean", "rapeseed", "rice", "vegetables"}
SOILS = frozenset({"soil", "crop", "dirt"})
BARE = frozenset(
    {"gravel", "sand", "dirt", "asphalt", "concrete", "brick", "rock", "soil", "red soil", "metal", "glass", "bark"}
    | {"plastic", "straw"}
)
ROOFS = {  # what a roof is made of → which roof it is
    **dict.fromkeys(("tile roof", "brick"), "tile roof"),
    **dict.fromkeys(("metal roof", "metal"), "metal roof"),
    **dict.fromkeys(("bitumen roof", "asphalt"), "bitumen roof"),
    **dict.fromkeys(("moss", "grass", "lawn", "vegetation", "meadow"), "moss"),
    **dict.fromkeys(("straw", "reed"), "straw"),
    **{key: key for key in ("shingle roof", "glass", "concrete", "gravel", "plastic", "bright roof")},
}
_STATES: tuple[tuple[str, tuple[tuple[Collection[str], str], ...]], ...] = (  # words: of which it makes what
    (
        "verbrannt|verkohlt|abgebrannt|brul|brule|calcin|calcine|incendi|incendie|quemad|incendiad|calcinad|"
        "烧毁|烧焦|过火|火烧|燃烧|burned|burnt|charred|scorched",
        ((GRASS | TREES | SOILS, "burned"),),
    ),
    ("tot|abgestorb|mort|muert|枯死|dead", ((TREES, "bark"), (GRASS, "dry grass"))),
    (
        "trock|vertrocknet|verdorrt|durr|welk|sec|sech|desseche|jauni|fan|sec|amarillent|marchit|枯黄|干枯|枯萎|枯|干",
        ((GRASS, "dry grass"), ({"maize"}, "ripe maize"), (CEREALS, "ripe cereal")),
    ),
    (
        "kunst|kunstlich|synthetisch|artificiel|synthetiqu|sintetic|artificial|人工|人造|仿真|合成|塑胶|塑料",
        ((GRASS - {"vegetation", "low vegetation"}, "turf"),),
    ),
    ("trub|schlammig|troubl|turbid|boueu|turbi|lodos|fangos|浑浊|浑|污|murky|muddy", (({"water"}, "turbid water"),)),
    (
        "feucht|nass|humid|detremp|mouill|humed|mojad|tourbeu|torf|torfig|moor|潮湿|湿润|湿",
        (({"soil", "dirt"}, "dark soil"),),
    ),
    ("rot|roug|roj|红色|红", ((SOILS, "red soil"), ({"roof"}, "tile roof"))),
    ("weiss|hell|blau|blanc|blanch|clair|bleu|clar|blanc|azul|白色|白|浅色|蓝色|蓝|亮", (({"roof"}, "bright roof"),)),
    (
        "dunkl|dunkel|schwarz|sombr|noir|fonc|oscur|negr|黑色|黑|深色|暗",
        (({"roof"}, "bitumen roof"), ({"soil"}, "dark soil")),
    ),
    ("grau|gris|灰色|灰", (({"roof"}, "shingle roof"),)),
    (
        "grun|begrunt|vert|vegetalis|verd|ajardinad|绿色|绿化|绿",
        (({"roof"}, "moss"), ({"water"}, "algae water")),
    ),
    ("reif|abgereift|mur|senesc|madur|成熟", ((CEREALS, "ripe cereal"), ({"maize"}, "ripe maize"))),
    ("jung|jeun|jov|joven|幼", (({"maize"}, "young maize"), ({"soybean"}, "young soybean"))),
    ("abgeerntet|geerntet|moissonn|recolt|cosechad|收割|收获", ((CROPS, "straw"),)),
    ("gemaht|fauch|segad|cortad|割", (({"meadow", "grass"}, "stressed grass"), (CROPS, "straw"))),
    ("metallisch|metalliqu|metalic", (({"roof"}, "metal roof"),)),
    ("bitum|bituminos|bitumineu", (({"roof"}, "bitumen roof"),)),
    ("asphaltiert|geteert|goudronn|asfaltad|bitum|沥青|柏油", ((SOILS | {"road", "dirt", "parking lot"}, "asphalt"),)),
    (
        "versiegelt|befestigt|gepflastert|impermeabilis|impermeabl|pav|pavimentad|sellad|硬化|不透水",
        ((SOILS, "pavement"),),
    ),
    ("betoniert|betonn|hormigonad", ((SOILS | {"pavement", "road"}, "concrete"),)),
    ("sandig|sableu|sablonneu|arenos|砂质|沙质", (({"soil"}, "sand"),)),
    ("felsig|steinig|rocheu|rocailleu|pierreu|rocos|pedregos", (({"soil"}, "rock"),)),
    ("salzig|sale|sal|salin|salad|盐", (({"soil"}, "salt"),)),
    ("landwirtschaftlich|bestellt|bewassert|cultiv|arabl|agricol|irrigu|irrigue|cultivad|regad", (({"soil"}, "crop"),)),
    ("nackt|kahl|nu|denud|desnud|vegetationslos|unbewachs|裸露|裸", (({"crop"}, "soil"),)),
)
STATES: dict[str, tuple[tuple[Collection[str], str], ...]] = {
    word: tuple(pair for said, pairs in _STATES if word in said.split("|") for pair in pairs)
    for words, _ in _STATES
    for word in words.split("|")
}
ENGLISH_STATES = ("burned", "burnt", "charred", "scorched", "dead", "turbid", "murky", "muddy")
OF_ADJECTIVES = {  # beside a head that says nothing of the material ("zone boisée")
    word: key
    for words, key in (
        ("asphaltiert|geteert|goudronn|asfaltad", "asphalt"),
        ("betoniert|betonn|hormigonad", "concrete"),
        ("versiegelt|befestigt|impermeabilis|impermeabl|pav|pavimentad|sellad|artificialis", "pavement"),
        ("gepflastert|adoquinad", "brick"),
        ("bewaldet|forstlich|bois|forestier|forestal|arbolad|arbor|boscos", "tree"),
        ("bebaut|stadtisch|besiedelt|bati|urbanis|urbain|industriel|industriell|commercial|residentiel|habit|urban|edificad"
         "|urbanizad|industrial|comercial|residencial|construid|gewerblich", "roof"),
        ("landwirtschaftlich|ackerbaulich|agricol|cultiv|cultivad|regad|irrigu", "crop"),
        ("brul|incendi|verbrannt|abgebrannt|quemad|calcinad|incendiad", "burned"),
        ("beschattet|schattig|ombrag|ombr|sombread|sombri", "shadow"),
        ("verschneit|schneebedeckt|vergletschert|enneig|glaciair|nivaux|nevad|glaciar|nival", "snow"),
        ("begrunt|grun|vert|verd|ajardinad", "lawn"),
        ("grasbewachs|enherb|herbeu|herbac", "grass"),
        ("buschig|arbustiv|buissonnant", "shrub"),
        ("felsig|rocheu|rocos", "rock"),
        ("sandig|sableu|arenos", "sand"),
        ("maraich|horticol|maraicher", "vegetables"),
        ("viticol", "vineyard"),
        ("aquatiqu|acuatic", "water"),
        ("marecageu|pantanos", "reed"),
        ("vegetal|vegetalis", "vegetation"),
        ("kahl|vegetationslos|unbewachs|nackt|nu|denud|desnud", "soil"),
    )
    for word in words.split("|")
}  # fmt: skip


def changed(key: str, states: Iterable[str]) -> str:
    """What states make of a material: "burned" of a meadow is burned; the first that makes another counts."""
    for state in states:
        for of, to in STATES.get(state, ()):
            if key in of:
                return to
    return key


def made_of(kind: str, own: str | None, made: str | None) -> str | None:
    """The material of a head (`own`) and what it is made of. `kind`: "of", "woods", "roofs", "ways" or ""."""
    if made is None or not kind:
        return own
    if kind == "of":
        return made
    if kind == "woods":
        return made if made in TREES | GARDENS else own
    if kind == "roofs":
        return ROOFS.get(made, own)
    return ("dirt" if own in ("road", "sidewalk", "dirt") and made == "soil" else made) if made in BARE else own


def stated(key: str | None, kind: str, states: Iterable[str]) -> str | None:
    """A material in a state. Colours of a house or a town say nothing of its roofs."""
    return None if key is None else key if key == "roof" and kind != "roofs" else changed(key, states)


@dataclass(frozen=True)
class Language:
    """Words that carry no material. `of`: heads that what they are made of speaks for; `woods`, `roofs`, `ways`: heads
    of which some materials make another thing; `before`: adjectives that stand before a noun; `stops`: what follows
    them is not the head; `links`: "of"; `own`: words by which a phrase is of this language for certain; `grown`: of
    `of`, those that are crops whatever stands beside them."""

    articles: frozenset[str]
    links: frozenset[str]
    stops: frozenset[str]
    denials: frozenset[str]
    of: frozenset[str]
    woods: frozenset[str]
    roofs: frozenset[str]
    ways: frozenset[str]
    before: frozenset[str]
    own: frozenset[str]
    grown: frozenset[str]


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


LANGUAGES = {
    "de": Language(
        _set("der die das den dem des ein eine einer eines einem einen"),
        _set("aus von vom"),
        _set(
            "im am in an auf bei zum zur fur unter uber neben zwischen nach zu der des entlang ist sind war wird "
            "hat steht liegt"
        ),
        _set("ohne nicht kein keine"),
        _set(
            "flache gebiet gelande bestand areal zone parzelle decke schicht belag haufen halde feld acker schlag "
            "anbau anbauflache anbaugebiet kultur bewuchs bedeckung landschaft streifen gurtel teppich gruppe "
            "reihe netz anlage korper region plantage vorkommen ablagerung vegetation rand bau lager stapel "
            "stelle"
        ),
        _set("wald forst hain baum geholz wiese garten allee"),
        _set("dach dachflache"),
        _set(
            "strasse weg pfad piste hof terrasse mauer wand fassade damm boden treppe strand platz grube bett bank "
            "haus tunnel"
        ),
        frozenset(),
        _set(
            "der das den dem des ein eine aus von vom im am auf bei zum zur fur unter uber neben zwischen ohne "
            "nicht"
        ),
        _set("acker kultur anbau"),
    ),
    "fr": Language(
        _set("le la les l un une des du de d"),
        _set("de du des d en"),
        _set("a au aux dans sur sous pour pres le entre vers par avec hors est sont"),
        _set("sans non pas"),
        _set(
            "surface zone aire terrain parcelle etendue couvert couverture espace culture champ plantation "
            "peuplement tas amas couche nappe rangee rang alignement reseau secteur region bande exploitation "
            "milieu manteau formation territoire site"
        ),
        _set("foret bois arbre peuplement plantation verger jardin"),
        _set("toit toiture couverture"),
        _set(
            "route chemin sentier allee piste rue cour quai mur terrasse sol plage parking dalle serre tunnel "
            "maison"
        ),
        _set(
            "grand grande petit petite haut haute bas basse vieux vieil vieille ancien nouveau nouvelle beau gros "
            "autre divers vaste vieilles"
        ),
        _set("le la les l une du d de au aux dans sur sous sans et en"),
        _set("culture cultures"),
    ),
    "es": Language(
        _set("el la los las un una unos unas de del lo"),
        _set("de del"),
        _set("en a al sobre bajo para junto cerca entre por con es son esta estan"),
        _set("sin no"),
        _set(
            "superficie zona area terreno parcela campo cultivo plantacion extension cobertura manto capa monton "
            "hilera fila red franja region espacio masa explotacion cubierta formacion mancha lamina territorio "
            "sitio"
        ),
        _set("bosque arbol arboleda plantacion monte huerto jardin"),
        _set("techo tejado cubierta techumbre"),
        _set(
            "carretera camino sendero calle pista patio muro pared terraza suelo playa losa piso invernadero "
            "tunel casa"
        ),
        _set("gran grande pequeno pequena nuevo nueva otro otra viejo antiguo antigua"),
        _set("el los las una unos unas del de en sin sobre bajo para"),
        _set("cultivo cultivos"),
    ),
}  # fmt: skip
BLOCKED = _set(  # words that end like a name and are none
    "kreis preis greis frost pferde herde beschwerde rind kindergarten tiergarten biergarten wasserturm traum "
    "schlagbaum stammbaum maibaum arbeitsplatz spielplatz dachboden umfeld spielfeld blickfeld magnetfeld"
)
NO_LAST = _set("teer ried reet seen plane platz")  # names that end words of other languages, or places of any kind
GERMAN_FIRST = _set("winter sommer herbst fruhjahrs sonder grun wild")
HAN = re.compile(r"[\u4e00-\u9fff]")
