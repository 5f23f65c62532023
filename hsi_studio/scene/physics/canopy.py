"""Canopy reflectance seen from above: the four-stream SAIL model.

Source: W. Verhoef (1984), Remote Sensing of Environment 16, 125–141, doi:10.1016/0034-4257(84)90057-9 (coefficients,
eq. 1–15); W. Verhoef, L. Jia, Q. Xiao & Z. Su (2007), IEEE TGRS 45, 1808–1822, doi:10.1109/TGRS.2007.895844
(analytical layer solution and coupling with the soil); leaf angles: G. S. Campbell (1990), Agric. For. Meteorol. 49,
173–176 (ellipsoidal distribution).
What differs: the view is fixed at nadir, where the azimuth integrals have the short form derived in `_geometry`;
no hot spot (it matters only when sun and sensor line up).
Notation: s sun, o observer, d diffuse; ρ/τ of leaf and layer; x depth in leaf area (0 top … LAI). V canopies.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from hsi_studio.scene.physics.spectra import Array


@dataclass(frozen=True)
class Streams:
    """Scattering and extinction coefficients per unit leaf area; spectral ones are (V, L)."""

    ks: Array  # (V, 1) extinction of the sun's beam
    ko: Array  # (V, 1) extinction towards the observer
    a: Array  # attenuation of diffuse light
    back: Array  # σb: diffuse → diffuse backward
    sf: Array  # sun → diffuse down
    sb: Array  # sun → diffuse up
    vf: Array  # diffuse up → observer
    vb: Array  # diffuse down → observer
    w: Array  # sun → observer


def leaf_angles(mean_angle_deg: npt.ArrayLike) -> tuple[Array, Array]:
    """Ellipsoidal distribution: angles (18,) in radians, weights (V, 18) that sum to 1 (Campbell 1990, eq. 10, 14)."""
    mean = np.radians(np.atleast_1d(np.asarray(mean_angle_deg, dtype=np.float64)))[:, None]
    chi = (mean / 9.65) ** -0.6061 - 3.0
    angle = np.radians(np.arange(2.5, 90.0, 5.0))
    density = np.sin(angle) / (np.cos(angle) ** 2 + (chi * np.sin(angle)) ** 2) ** 2
    return angle, np.asarray(density / density.sum(axis=1, keepdims=True))


def _geometry(mean_angle_deg: npt.ArrayLike, sun_zenith_deg: float) -> tuple[Array, Array, Array, Array, Array]:
    """ks, ko, cos²-mean and the bidirectional weights of ρ and τ, each (V, 1), for a view from nadir.

    A leaf of inclination θ and azimuth φ meets the beam with f = cosθ cosθs + sinθ sinθs cosφ. It is lit from above
    for |φ| < βs with cosβs = −1/(tanθ tanθs). The azimuth means of the parts lit from above (F⁺) and below (F⁻) are
    F⁺ = (βs cosθ cosθs + sinβs sinθ sinθs)/π and F⁻ = F⁺ − cosθ cosθs; ks = (F⁺ + F⁻)/cosθs, ko = cosθ.
    """
    angle, weight = leaf_angles(mean_angle_deg)
    sun = np.radians(max(sun_zenith_deg, 1e-3))
    both = np.cos(angle) * np.cos(sun)
    beta = np.arccos(np.clip(-1.0 / (np.tan(angle) * np.tan(sun)), -1.0, 1.0))
    above = (beta * both + np.sin(beta) * np.sin(angle) * np.sin(sun)) / np.pi
    below = above - both

    def mean(values: Array) -> Array:
        return np.asarray((weight * values).sum(axis=1, keepdims=True))

    slant = np.cos(angle) / np.cos(sun)
    ks, ko = mean((above + below) / np.cos(sun)), mean(np.cos(angle))
    return ks, ko, mean(np.cos(angle) ** 2), mean(above * slant), mean(below * slant)


def streams(reflectance: Array, transmittance: Array, mean_angle_deg: npt.ArrayLike, sun_zenith_deg: float) -> Streams:
    """SAIL coefficients from leaf optics (V, L), mean leaf angle in degrees (V,) or one number, and the sun."""
    ks, ko, cos2, w_r, w_t = _geometry(mean_angle_deg, sun_zenith_deg)
    half_sum, half_difference = 0.5 * (reflectance + transmittance), 0.5 * cos2 * (reflectance - transmittance)
    return Streams(
        ks=ks,
        ko=ko,
        a=1.0 - (half_sum - half_difference),
        back=half_sum + half_difference,
        sf=ks * half_sum - half_difference,
        sb=ks * half_sum + half_difference,
        vf=ko * half_sum - half_difference,
        vb=ko * half_sum + half_difference,
        w=reflectance * w_r + transmittance * w_t,
    )


def canopy_reflectance(c: Streams, lai: npt.ArrayLike, soil: Array) -> tuple[Array, Array]:
    """Reflectance towards nadir under sunlight and under skylight, each (V, L).

    `lai` (V,) or a number, m² leaf per m² ground; `soil` (L,) or (V, L) Lambertian reflectance below.
    """
    area = np.atleast_1d(np.asarray(lai, dtype=np.float64))[:, None]
    m = np.sqrt(np.maximum(c.a**2 - c.back**2, 1e-10))  # a lossless leaf would give 0/0 below
    r_inf = (c.a - m) / c.back
    e1 = np.exp(-m * area)
    down, up = np.exp(-c.ks * area), np.exp(-c.ko * area)  # gaps towards the sun, the observer
    loop = 1.0 - (r_inf * e1) ** 2

    def j1(k: Array) -> Array:
        gap = k - m
        near = np.abs(gap * area) < 1e-4
        limit = 0.5 * area * (np.exp(-k * area) + e1)
        return np.where(near, limit, (e1 - np.exp(-k * area)) / np.where(near, 1.0, gap))

    def j2(k: Array) -> Array:
        return np.asarray((1.0 - np.exp(-(k + m) * area)) / (k + m))

    rho_dd, tau_dd = r_inf * (1.0 - e1**2) / loop, (1.0 - r_inf**2) * e1 / loop
    ps, qs = (c.sf + c.sb * r_inf) * j1(c.ks), (c.sf * r_inf + c.sb) * j2(c.ks)
    pv, qv = (c.vf + c.vb * r_inf) * j1(c.ko), (c.vf * r_inf + c.vb) * j2(c.ko)
    tau_sd = (ps - r_inf * e1 * qs) / loop
    tau_do, rho_do = (pv - r_inf * e1 * qv) / loop, (qv - r_inf * e1 * pv) / loop

    both = (1.0 - down * up) / (c.ks + c.ko)
    g1, g2 = (both - j1(c.ks) * up) / (c.ko + m), (both - j1(c.ko) * down) / (c.ks + m)
    many = (c.vf * r_inf + c.vb) * g1 * (c.sf + c.sb * r_inf) + (c.vf + c.vb * r_inf) * g2 * (c.sf * r_inf + c.sb)
    rho_so = c.w * both + (many - (rho_do * qs + tau_do * ps) * r_inf) / (1.0 - r_inf**2)

    bounce = soil / (1.0 - soil * rho_dd)
    sun = rho_so + (down + tau_sd) * bounce * (tau_do + up)
    sky = rho_do + tau_dd * bounce * (tau_do + up)
    return np.asarray(sun), np.asarray(sky)
