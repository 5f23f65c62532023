"""Where no accuracy can be known, and figures of earlier versions that said one all the same.

Without a reference a map is measured by leave-one-out: what each label would be from a fit without it. A network would
have to be trained once a label for that, and the networks here are not. Earlier versions reported another model's
leave-one-out for them (least squares on averages of the network's inputs), which an untrained network got as well;
stored reports of that kind are read as "not known".
"""

from __future__ import annotations

from typing import Any

TITLE = "Not known"
NOT_KNOWN = (
    "How good this map is cannot be known from its own labels: a network confirms what it was trained on. Compare "
    "trains it on some of your labels and tests on the others, or open the scene with a reference map."
)


def borrowed(method: str, kind: str) -> bool:
    """Whether a stored report's figures are not those of the model it is about."""
    if kind != "leave_one_out":
        return False
    from hsi_studio.methods import methods

    found = methods().entries.get(method)
    return found is not None and found.borrowed_leave_one_out


def own_figures(method: str, metrics: dict[str, Any]) -> dict[str, Any]:
    """A stored report (`report_json.py`) as it is, or without figures that were another model's."""
    block = metrics.get("main")
    if not borrowed(method, str(metrics.get("kind"))) or not isinstance(block, dict) or not block.get("oa"):
        return metrics
    nothing = dict.fromkeys(("oa", "aa", "kappa", "macro_f1", "weighted_f1", "confusion"))
    main = {**block, **nothing, "title": TITLE, "words": "", "n": 0, "classes": [], "problem": NOT_KNOWN}
    return {**metrics, "main": main}
