"""Leaf reflectance and transmittance from pigments, water and dry matter: the generalised plate model.

Source: S. Jacquemoud & F. Baret (1990), PROSPECT, Remote Sensing of Environment 34, 75–91, doi:10.1016/0034-4257(90)
90100-Z (model); W. A. Allen et al. (1969), J. Opt. Soc. Am. 59, 1376 (one plate); G. G. Stokes (1862), Proc. R. Soc.
11, 545 (pile of plates); F. Stern (1964), Applied Optics 3, 111 (transmissivity averaged over a cone).
What differs: (1) the absorption coefficients and the refractive index are smooth curves of our own, sums of Gaussians
at published band centres (chlorophyll a/b about 430/460/650/678 nm, carotenoids 425–485, cellulose, lignin and
protein 1480/1730/2100/2270/2340 nm), not the fitted PROSPECT tables: spectra are plausible, not calibrated;
(2) Stern's average is integrated numerically from Fresnel's equations instead of his closed form.
Notation: k absorption of one layer, N layers, τ transmission of the layer's inside, r12/t12 from air into the leaf,
r21/t21 from the leaf into air. V leaves, L wavelengths.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from hsi_studio.scene.physics.spectra import Array, bumps, water_absorption_per_m

_CONE_DEG = 40.0  # light reaches the leaf within this cone (Jacquemoud & Baret 1990: 59° there, 40° since PROSPECT-4)


@dataclass(frozen=True)
class Leaf:
    """Biochemistry; every field is a number or (V,)."""

    layers: npt.ArrayLike = 1.5  # N, 1 compact … 3 spongy
    chlorophyll_ug_cm2: npt.ArrayLike = 40.0
    carotenoids_ug_cm2: npt.ArrayLike = 8.0
    brown: npt.ArrayLike = 0.0  # relative amount of brown (dead) pigments
    water_cm: npt.ArrayLike = 0.012  # equivalent water thickness
    dry_matter_g_cm2: npt.ArrayLike = 0.005


def refractive_index(wavelength_nm: Array) -> Array:
    """(L,) leaf material: 1.52 at 400 nm falling to 1.28 at 2500 nm."""
    return 1.52 - 0.115e-3 * (wavelength_nm - 400.0)


def absorption_coefficients(wavelength_nm: Array) -> dict[str, Array]:
    """Specific absorption (L,) by constituent: pigments cm²/µg, brown –, water 1/cm, dry matter cm²/g."""
    w = wavelength_nm
    return {
        "chlorophyll": bumps(
            w,
            [
                (405, 18, 0.036),
                (434, 16, 0.052),
                (464, 15, 0.032),
                (500, 20, 0.006),
                (560, 42, 0.0075),
                (590, 20, 0.009),
            ],
        )
        + bumps(w, [(622, 18, 0.018), (650, 13, 0.025), (677, 11.5, 0.062), (700, 13, 0.009)]),
        "carotenoids": bumps(w, [(400, 18, 0.10), (424, 14, 0.08), (450, 14, 0.11), (483, 15, 0.12), (508, 10, 0.02)]),
        "brown": 0.53 * np.exp(-(((w - 400.0) / 260.0) ** 1.25)),
        "water": water_absorption_per_m(w) / 100.0,
        "dry_matter": 2.3
        + 20.0 * np.exp(-(w - 400.0) / 18.0)
        + 5.0 / (1.0 + np.exp(-(w - 1650.0) / 110.0))
        + bumps(w, [(1200, 55, 0.7), (1485, 85, 4.0), (1580, 60, 1.5), (1725, 28, 2.2), (1770, 35, 1.0)])
        + bumps(w, [(1930, 80, 3.0), (2095, 70, 11.0), (2270, 45, 13.0), (2340, 34, 13.0), (2500, 110, 27.0)]),
    }


def average_transmissivity(cone_deg: float, refractive: npt.ArrayLike) -> Array:
    """t_av(α, n): part of isotropic light within a cone of half angle α that enters a medium of index n.

    t_av = (1 / sin²α) ∫₀^α T(θ) sin 2θ dθ with Fresnel's T for unpolarised light (Stern 1964). The substitution
    θ = α(1 − s²) removes the steep end at grazing angles; 48 Gauss–Legendre nodes give 1e-6.
    """
    n = np.asarray(refractive, dtype=np.float64)[..., None]
    nodes, weights = np.polynomial.legendre.leggauss(48)
    s = 0.5 * (nodes + 1.0)
    alpha = np.radians(cone_deg)
    theta, jacobian = alpha * (1.0 - s**2), alpha * s  # 2 s ds · ½ from [−1, 1]
    cos_in = np.cos(theta)
    cos_out = np.sqrt(1.0 - (np.sin(theta) / n) ** 2)
    r_s = ((cos_in - n * cos_out) / (cos_in + n * cos_out)) ** 2
    r_p = ((n * cos_in - cos_out) / (n * cos_in + cos_out)) ** 2
    inside = (1.0 - 0.5 * (r_s + r_p)) * np.sin(2.0 * theta)
    return np.asarray((inside * jacobian * weights).sum(axis=-1) / np.sin(alpha) ** 2)


def plate_model(absorption: npt.ArrayLike, refractive: npt.ArrayLike, layers: npt.ArrayLike) -> tuple[Array, Array]:
    """Reflectance and transmittance of a leaf of N layers, each with absorption k (arrays broadcast)."""
    from scipy.special import exp1

    k, n, count = np.broadcast_arrays(*(np.asarray(v, dtype=np.float64) for v in (absorption, refractive, layers)))
    safe = np.maximum(k, 1e-12)
    tau = np.where(k > 1e-12, (1.0 - safe) * np.exp(-safe) + safe**2 * exp1(safe), 1.0)  # diffuse light, one layer

    index = np.asarray(refractive, dtype=np.float64)  # not broadcast: the angle integral is the costly part
    t_cone = np.broadcast_to(average_transmissivity(_CONE_DEG, index), k.shape)
    t12 = np.broadcast_to(average_transmissivity(90.0, index), k.shape)
    t21 = t12 / n**2
    r12, r21 = 1.0 - t12, 1.0 - t21
    loop = 1.0 - (r21 * tau) ** 2
    t_top = t_cone * tau * t21 / loop  # the first layer sees the cone, the others diffuse light
    r_top = 1.0 - t_cone + r21 * tau * t_top
    t = t12 * tau * t21 / loop
    r = r12 + r21 * tau * t

    # Stokes: N − 1 further layers
    lossless = r + t >= 1.0 - 1e-9
    rr, tt = np.where(lossless, 0.4, r), np.where(lossless, 0.4, t)
    root = np.sqrt((1 + rr + tt) * (1 + rr - tt) * (1 - rr + tt) * (1 - rr - tt))
    a = (1.0 + rr**2 - tt**2 + root) / (2.0 * rr)
    b = (1.0 - rr**2 + tt**2 + root) / (2.0 * np.maximum(tt, 1e-12))
    inverse = b ** -(count - 1.0)  # b^(N−1) overflows for opaque leaves, its inverse does not
    bottom = a**2 - inverse**2
    r_more = np.where(lossless, 0.0, a * (1.0 - inverse**2) / bottom)
    t_more = np.where(lossless, t / (t + (1.0 - t) * (count - 1.0)), inverse * (a**2 - 1.0) / bottom)
    r_more = np.where(lossless, 1.0 - t_more, r_more)
    between = 1.0 - r_more * r
    return np.asarray(r_top + t_top * r_more * t / between), np.asarray(t_top * t_more / between)


def leaf_optics(leaf: Leaf, wavelength_nm: Array) -> tuple[Array, Array]:
    """Reflectance and transmittance (V, L) of leaves; V = 1 when every field of `leaf` is a number."""
    k = absorption_coefficients(wavelength_nm)
    amounts = {
        "chlorophyll": leaf.chlorophyll_ug_cm2,
        "carotenoids": leaf.carotenoids_ug_cm2,
        "brown": leaf.brown,
        "water": leaf.water_cm,
        "dry_matter": leaf.dry_matter_g_cm2,
    }
    layers = np.atleast_1d(np.asarray(leaf.layers, dtype=np.float64))[:, None]
    total = sum(np.atleast_1d(np.asarray(v, dtype=np.float64))[:, None] * k[name] for name, v in amounts.items())
    return plate_model(np.asarray(total) / layers, refractive_index(wavelength_nm), layers)
