"""The material that a Chinese name is named after: its last signs say what it is.

    水泥路面 ─▶ 路面 of 水泥 ─▶ concrete      芝麻地 ─▶ 地 of 芝麻 ─▶ soybean      枯黄的草 ─▶ 草, 枯黄 ─▶ dry grass

Signs that say nothing of the material (`TAILS`) are taken off until a name of the list ends the phrase. A cut never
parts another name where it can be helped. What holds a name elsewhere means nothing: 水塔 is no water.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from hsi_studio.text.materials.grammar_words import HAN, STATES, made_of, stated

TAILS = (  # longest first
    "生态系统", "种植区域", "覆盖区域", "种植区", "种植地", "种植园", "覆盖区", "分布区", "覆盖",
    "区域", "地区", "地带", "用地", "植被", "表面", "地表", "地面", "部分", "群落", "类型", "作物", "林地", "田地",
    *"区地面带片场群丛块类园田体堆",
)  # fmt: skip
ONE = frozenset("水林树草湖河江海塘渠溪路街桥屋房楼厂石岩沙土泥雪冰云雾影砖瓦麦稻豆菜瓜松杉柏杨柳槐竹盐煤车船")
KINDS = {
    "roofs": ("屋顶", "屋面", "房顶", "楼顶", "顶棚", "房"),
    "ways": ("路面", "道路", "公路", "地面", "小路", "路", "墙", "广场", "温室", "大棚", "停车场", "跑道"),
    "of": ("田", "地", "田地", "农田", "耕地", "土地", "种植区", "种植地", "植被", "植物", "绿化", "作物", "庄稼地"),
    "woods": ("林", "林地", "树林", "树", "树木", "森林", "园"),
}
BLOCKED = ("香水", "墨水", "口水", "停车", "水车", "果汁", "风水", "透水")


def chinese_head(said: str, names: Mapping[str, tuple[str, str]], hidden: Collection[str]) -> str | None:
    rest = said = said.replace("的", "")
    while rest and not rest.endswith(BLOCKED):
        starts = [start for start in range(len(rest)) if _may_end(rest[start:], start, names, hidden)]
        whole = [start for start in starts if not _cut(rest, start, names)]
        if starts:
            start = (whole or starts)[0]
            key, before = names[rest[start:]][0], rest[:start]
            kind = next((kind for kind, heads in KINDS.items() if rest[start:] in heads), "")
            states = [state for state in sorted(STATES, key=len, reverse=True) if state in before and HAN.search(state)]
            made = made_of(kind, key, chinese_head(before, names, hidden) if before else None)
            return stated(made or key, kind, states)
        tail = next((tail for tail in TAILS if rest.endswith(tail) and len(rest) > len(tail)), None)
        if tail is None:
            return None
        rest = rest[: -len(tail)]
    return None


def _may_end(name: str, start: int, names: Mapping[str, tuple[str, str]], hidden: Collection[str]) -> bool:
    found = names.get(name)
    return found is not None and found[1] not in hidden and (len(name) > 1 or not start or name in ONE)


def _cut(rest: str, start: int, names: Mapping[str, tuple[str, str]]) -> bool:
    """Whether a cut at `start` parts another name: 混凝土路 is no 混凝 and 土路."""
    return any(rest[a:b] in names for a in range(start) for b in range(start + 1, len(rest)))
