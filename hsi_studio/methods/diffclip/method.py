"""`diffclip`: mask-diffusion pre-training, then few-shot fine-tuning against class prompts.

Source: J. Zhang, X. Cao et al., "DiffCLIP: few-shot language-driven multimodal classifier", AAAI 2025 (eq. 1–16).

    unlabelled patches ─ mask, noise ─▶ shared encoder ─▶ decoder a modality ─▶ x̂_0          stage 1, once a scene
    labelled patches ────────────────▶ that encoder ─▶ unit vectors ─┐
    K prompts ─ text transformer from scratch ─▶ unit vectors ───────┴─▶ contrastive loss     stage 2, every fit
    every pixel or every 2nd ─▶ encoder ─▶ cosine to the K prompts ─▶ smoothing within edges  the map

What the published code does and this does not, because the paper says otherwise or it spoils the figures:
it pre-trains on the labelled shots only (here: `unlabelled` patches of the whole valid scene); keeps the best of 150
epochs on labelled pixels that stay in the test set (here: the averaged last weights, nothing selects); draws a random
diffusion step for every test pixel (here t = 0); puts kept LiDAR tokens back at wrong places; counts equal classes in a
batch as negatives; encodes a prompt per sample; augments the modalities apart.

What differs from the paper by default, and what turns it off (preset `paper` turns off all of it):
- `tokens` foveated: 25 tokens a patch instead of 121; `inputs` components, principal or, in a noisy scene,
  noise-whitened (`axes`);
- `weigh_channels` in stage 1: channels nobody can predict are noise and count little;
- stage 2: class targets, centred class texts, learned temperature, small noise, mixing, left-out tokens, averaged
  weights; `members` networks whose cosines are averaged (all on one pre-trained encoder);
- every step of stage 2 also teaches pixels without their patches, as the middle token by itself, and the map is a
  mixture of both looks (`alone`) with a weight learned from the labels (`common/looks.py`): patches say more on fields,
  pixels in a city where a patch holds many classes;
- `smoothing` and `stride`: unlabelled pixels take part in the map (transductive); 0 and 1 turn them off;
- the smoothed map is compared with what it says at the labels, in closed form (`closed_form`, `common/label_head.py`);
- WordPiece tokens of the embedded sentence encoder instead of CLIP's, which cannot be shipped.

There is no leave-one-out: it would take a training a label.

A window is read with the margin it needs. Cost: one encoder pass per lattice pixel.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from hsi_studio.features.cache import Arrays, FeatureCache, cache_key
from hsi_studio.methods.common.checks import check_scene, enough_labels, labels_on_data
from hsi_studio.methods.common.label_head import LabelHead, is_on
from hsi_studio.methods.common.looks import HALF, SHARE, share_of_pixels
from hsi_studio.methods.common.state import part
from hsi_studio.methods.common.time_left import Clock
from hsi_studio.methods.common.work import Shape, Work
from hsi_studio.methods.contract import Context, Method, Params, State, Values
from hsi_studio.methods.diffclip.class_text import class_source
from hsi_studio.methods.diffclip.encoder_cache import (
    FOLDER,
    KEYS,
    VERSION,
    Made,
    encoder_key,
    load_encoder,
    store_encoder,
)
from hsi_studio.methods.diffclip.fitted import DiffClipFitted
from hsi_studio.methods.diffclip.inputs import Scaling, SceneInputs, fit_scaling
from hsi_studio.methods.diffclip.params import ABLATIONS, EFFORTS, PRESETS, QUICK_PACE, DiffClipParams, memory_mb, work
from hsi_studio.methods.diffclip.warm_start import warm_encoder
from hsi_studio.types import ClassSchema, LabelSet, Progress, PromptSet, Scene

if TYPE_CHECKING:
    from hsi_studio.methods.diffclip.finetune import Tuned
    from hsi_studio.methods.diffclip.networks import ImageSide

MEMBER_SEEDS = 7919  # between the seeds of two members


class DiffClip(Method):
    """The `diffclip` method. Its only state is a bounded cache of scalings and encoders, which can be dropped."""

    name: ClassVar[str] = "diffclip"
    title: ClassVar[str] = "DiffCLIP"
    source: ClassVar[str] = (
        "J. Zhang, X. Cao et al., DiffCLIP: few-shot language-driven multimodal classifier, AAAI 2025; ours: foveated "
        "tokens, class targets, smoothing within edges"
    )
    Params: ClassVar[type[Params]] = DiffClipParams
    needs: ClassVar[frozenset[str]] = frozenset({"text", "pretraining"})
    presets: ClassVar[Mapping[str, Values]] = PRESETS
    efforts: ClassVar[Mapping[str, Values]] = EFFORTS
    ablations: ClassVar[Mapping[str, Values]] = ABLATIONS
    quick_pace: ClassVar[Values] = QUICK_PACE
    test_params: ClassVar[Values] = {
        "width": 32, "depth": 1, "heads": 4, "text_depth": 1, "patch": 3, "unlabelled": 32, "pretrain_epochs": 2,
        "epochs": 1, "min_steps": 30, "batch": 32, "smoothing": 10, "lr": 2e-3, "stride": 1, "average": 0.8,
        "members": 1,
    }  # fmt: skip
    label_free: ClassVar[frozenset[str]] = frozenset({"use_pretraining", *KEYS})
    fixed_seconds: ClassVar[Mapping[str, float]] = {"prepare": 1.5, "fit": 0.5}
    warm_starts: ClassVar[bool] = True  # from another model's encoder, see warm_start.py
    joint_space: ClassVar[bool] = True
    borrowed_leave_one_out: ClassVar[bool] = True

    def __init__(self, cache: FeatureCache | None = None) -> None:
        self.cache = cache or FeatureCache(300_000_000)

    def prepare(self, scene: Scene, params: DiffClipParams, ctx: Context) -> None:
        """Fit the scaling and pre-train the encoder, or find both in the cache. Raises BadValues, Cancelled."""
        inputs = self._inputs(scene, params, ctx)
        if params.use_pretraining and ctx.warm_start is None:
            self._encoder(inputs, params, ctx)
        ctx.progress(Progress("Ready to fine-tune", 1.0, 1.0, 0.0))

    def pretrained_status(self, scene: Scene, params: DiffClipParams, cache_dir: Path | None, device: str) -> str:
        """For the user: "pre-trained: yes, 700 patches, 3 min ago"."""
        from hsi_studio.methods.diffclip.encoder_cache import pretrained_status

        return pretrained_status(scene, params, cache_dir, device)

    def work(self, params: Mapping[str, Any], shape: Shape, labels: int, classes: int) -> dict[str, Work]:
        return work(params, shape, labels, classes)

    def window_px(self, params: Mapping[str, Any]) -> int:
        return int(params["patch"])

    def memory_mb(self, params: Mapping[str, Any], shape: Shape, labels: int, classes: int) -> float:
        return memory_mb(params, labels)

    def fit(
        self, scene: Scene, labels: LabelSet, prompts: PromptSet, params: DiffClipParams, ctx: Context
    ) -> DiffClipFitted:
        """Fine-tune. Every class of the schema needs a label: see `LabelSet.only_labelled`.

        Raises TooFewLabels, LabelProblem (a label on an invalid pixel), BadRequest (template), BadValues, Cancelled,
        and what the tokenizer or encoder raises.
        """
        enough_labels(labels)
        labels_on_data(scene.valid, labels)
        inputs = self._inputs(scene, params, ctx)
        if ctx.warm_start is not None:
            encoder: Arrays | None = warm_encoder(ctx.warm_start, inputs, params)
        else:
            encoder = self._encoder(inputs, params, ctx) if params.use_pretraining else None
        import torch

        from hsi_studio.methods.common.nn.resume import Watch, fingerprint
        from hsi_studio.methods.diffclip.finetune import finetune
        from hsi_studio.methods.diffclip.networks import scene_tokens
        from hsi_studio.methods.diffclip.patch_tokens import layout, looks
        from hsi_studio.methods.diffclip.pretrain import new_image_side

        order = np.lexsort((labels.label, labels.col, labels.row))  # the order of clicks changes nothing
        row, col, label = (a[order].astype(np.int64) for a in (labels.row, labels.col, labels.label))
        which = layout(params.tokens, params.patch)
        tokens = scene_tokens(inputs, which, row, col, ctx.device, ctx.check)
        share = share_of_pixels(*looks(tokens, which), label, len(labels.schema)) if params.alone else None
        source = class_source(labels.schema, prompts, params, ctx, scene.bands.wavelength_nm)
        target = torch.as_tensor(label, device=ctx.device)
        started, clock = time.perf_counter(), Clock()
        tuned: list[Tuned] = []

        def made(networks: list[Tuned]) -> DiffClipFitted:
            seconds = time.perf_counter() - started
            return _fitted(networks, labels.schema, params, inputs, ctx.device, seconds, source.notes, share)

        for member in range(params.members):
            seed = ctx.seed + MEMBER_SEEDS * member
            generator = torch.Generator().manual_seed(seed)
            image = new_image_side(inputs.scaling.channels, len(which), params, ctx.device, generator)
            if encoder is not None:
                load_encoder_weights(image, encoder, params.keep_front_end or ctx.warm_start is not None)

            def report(fraction: float, loss: float, member: int = member) -> None:
                ctx.check()
                ctx.progress(_training("Fine-tuning", (member + fraction) / params.members, loss, clock, 0.0))

            def key(seed: int = seed) -> str:
                kind, values = ctx.device.split(":")[0], params.model_dump(mode="json")
                started_from = {} if ctx.warm_start is None else ctx.warm_start.arrays
                made_of = [values, seed, kind, row, col, label, source.tensors, share]
                made_of += [started_from[name] for name in sorted(started_from)]
                return fingerprint("finetune", VERSION, scene.id, *made_of)

            def with_others(one: Tuned, others: tuple[Tuned, ...] = tuple(tuned)) -> DiffClipFitted:
                return made([*others, one])

            watch = Watch(ctx, "finetune" if member == 0 else f"finetune-{member + 1}", key)
            own = HALF if share is None else share
            one = finetune(
                image, source, tokens, target, which, params, ctx.device, seed, report, watch, with_others, own
            )
            tuned.append(one)
        fitted = made(tuned)
        return fitted.matched(row, col, label, ctx) if is_on(params.closed_form, inputs.scaling.noisy) else fitted

    def from_state(self, state: State, scene: Scene, ctx: Context) -> DiffClipFitted:
        """The fitted model on `scene`, its own or another with the same bands. Raises SceneMismatch."""
        import torch

        from hsi_studio.methods.common.nn.layers import same_shapes
        from hsi_studio.methods.diffclip.networks import ImageSide, Members
        from hsi_studio.methods.diffclip.patch_tokens import layout
        from hsi_studio.methods.diffclip.pretrain import new_image_side

        header, arrays = state.header, state.arrays
        check_scene(state, scene, VERSION)
        params = DiffClipParams.model_validate(header["params"])
        scaling = Scaling.from_arrays(arrays)
        which = layout(params.tokens, params.patch)
        weights = {name[4:]: value for name, value in arrays.items() if name.startswith("net.")}
        width, depth, heads = params.width, params.depth, params.heads
        same_shapes(
            lambda: Members([ImageSide(scaling.channels, len(which), width, depth, heads)] * params.members), weights
        )
        blank = torch.Generator().manual_seed(0)
        sides = [new_image_side(scaling.channels, len(which), params, ctx.device, blank) for _ in range(params.members)]
        image = Members(sides, which.centre if params.alone else None)
        image.load_state_dict({name: torch.tensor(value) for name, value in weights.items()})
        return DiffClipFitted(
            ClassSchema.from_json(header["classes"]), params, SceneInputs(scene, scaling), image,
            arrays["prototypes"], float(header["inverse_temperature"]), header["scene"], ctx.device, header["history"],
            LabelHead.from_arrays(part(state, "head.")),
        )  # fmt: skip

    def _inputs(self, scene: Scene, params: DiffClipParams, ctx: Context) -> SceneInputs:
        components = params.components if params.inputs == "components" else None
        use_dsm = params.use_dsm and scene.dsm is not None
        chosen = {"components": components, "dsm": use_dsm, "axes": params.axes, "weighting": params.weighting}
        key = cache_key(scene.id, "diffclip_scaling_2", VERSION, chosen)

        def report(fraction: float) -> None:
            ctx.check()
            ctx.progress(Progress("Learning the scene's scale", 0.1 * fraction, 1.0))

        folder = ctx.cache_dir / "features" if ctx.cache_dir is not None else None
        arrays = self.cache.get(
            key,
            lambda: fit_scaling(scene, components, use_dsm, report, params.weighting, params.axes).arrays(),
            folder,
        )
        return SceneInputs(scene, Scaling.from_arrays(arrays))

    def _encoder(self, inputs: SceneInputs, params: DiffClipParams, ctx: Context) -> Arrays:
        """Weights of the pre-trained image side: from memory, from disk, or made now and stored."""
        key = encoder_key(inputs.scene, params, ctx.device)
        folder = ctx.cache_dir / FOLDER if ctx.cache_dir is not None else None

        def find_or_make() -> Arrays:
            found = load_encoder(folder, key) if folder is not None else None
            if found is not None:
                return found[0]
            arrays, made = _pretrain(inputs, params, ctx)
            if folder is not None:
                store_encoder(folder, key, arrays, made)
            return arrays

        return self.cache.get(key, find_or_make)


def _pretrain(inputs: SceneInputs, params: DiffClipParams, ctx: Context) -> tuple[Arrays, Made]:
    """Stage 1 on patches drawn from the whole valid scene, without replacement."""
    from hsi_studio.methods.common.nn.resume import Watch
    from hsi_studio.methods.diffclip.networks import scene_tokens
    from hsi_studio.methods.diffclip.patch_tokens import layout
    from hsi_studio.methods.diffclip.pretrain import pretrain

    row, col = np.nonzero(inputs.scene.valid)
    count = min(params.unlabelled, row.size)
    drawn = np.sort(np.random.default_rng(params.pretrain_seed).choice(row.size, count, replace=False))
    which = layout(params.tokens, params.patch)
    tokens = scene_tokens(inputs, which, row[drawn], col[drawn], ctx.device, ctx.check)
    started, clock = time.perf_counter(), Clock()

    def report(fraction: float, loss: float) -> None:
        ctx.check()
        ctx.progress(_training(f"Pre-training on {count:,} unlabelled patches", fraction, loss, clock, 0.1))

    watch = Watch(ctx, "pretrain", lambda: encoder_key(inputs.scene, params, ctx.device))
    image, losses = pretrain(tokens, which, params, ctx.device, report, watch)
    arrays = {name: value.cpu().numpy().copy() for name, value in image.state_dict().items()}
    made = Made(
        count, params.pretrain_epochs, losses[0], losses[-1], time.perf_counter() - started,
        datetime.now(UTC).isoformat(timespec="seconds"),
    )  # fmt: skip
    return arrays, made


def _fitted(
    tuned: list[Tuned],
    schema: ClassSchema,
    params: DiffClipParams,
    inputs: SceneInputs,
    device: str,
    seconds: float,
    notes: tuple[str, ...] = (),
    share: float | None = None,
) -> DiffClipFitted:
    """One model of the networks that are there: all of them, or during training those so far."""
    from hsi_studio.methods.diffclip.networks import Members, joined
    from hsi_studio.methods.diffclip.patch_tokens import layout

    centre = layout(params.tokens, params.patch).centre if params.alone else None
    steps = min(len(one.losses) for one in tuned)
    losses = np.mean([one.losses[:steps] for one in tuned], axis=0)
    sharpness = float(np.mean([one.inverse_temperature for one in tuned]))
    history = {
        "loss": [round(float(np.mean(part)), 5) for part in np.array_split(losses, min(20, len(losses)))],
        "temperature": round(1.0 / sharpness, 5),
        "seconds": round(seconds, 2),
    } | ({"notes": list(notes)} if notes else {})
    if share is not None:
        history[SHARE] = round(share, 4)
    image, looks = Members([one.image for one in tuned], centre), [one.prototypes for one in tuned] * (1 + params.alone)
    return DiffClipFitted(
        schema, params.model_copy(update={"members": len(tuned)}), inputs, image, joined(looks).cpu().numpy(),
        sharpness, inputs.scene.id, device, history,
    )  # fmt: skip


def _training(message: str, fraction: float, loss: float, clock: Clock, base: float) -> Progress:
    left = clock.left(fraction)
    said = f"{message}, loss {loss:.3f}" if np.isfinite(loss) else message
    return Progress(said, base + (1 - base) * fraction, 1.0, left)


def load_encoder_weights(image: ImageSide, arrays: Arrays, keep_front_end: bool) -> None:
    """Pre-trained weights into a new image side; its head stays new, its front ends too unless they are kept."""
    import torch

    own = image.state_dict()
    for name, value in arrays.items():
        if name.startswith("encoder.") or (keep_front_end and name.startswith("fronts.")):
            own[name] = torch.from_numpy(np.array(value))  # a copy: cached arrays are read-only
    image.load_state_dict(own)
