"""Facts about the Indian Pines scene (AVIRIS, 12 June 1992): band centres, widths, classes, units.

Pixels and reference come from the `tensorly` wheel, which carries the "corrected" cube of 200 bands
(CC BY 3.0). Its own wavelength list is not used: it leaves out six bands around 1.4 µm instead of five,
keeps band 220 (2498.96 nm), which the cube does not have, and reads 2260.22 and 2270.15 nm where the
calibration says 2212.22 and 2222.15 nm. The values here are the 220 band centres and widths of the
flight's spectral calibration file (spectral_920530-930111.ascii, distributed by Purdue with the data as
92AV3C.spc) without the bands the corrected cube leaves out: 104–108, 150–163 and 220, counted from 1
(GIC, University of the Basque Country). The CO₂ absorption near 2004 nm then falls on a local minimum of
the mean spectrum, as it should (a test checks this).

Stored values are 1000 + 500 · radiance in µW/(cm² nm sr) (Purdue, "Information on 220 Channel AVIRIS Data
Set", November 1992), so radiance = stored / 500 − 2.

Band centres overlap at 686–697 nm, where one of AVIRIS' four spectrometers takes over from the next, and
again near 1280 and 1885 nm: they are not sorted.
"""

from __future__ import annotations

import numpy as np

from hsi_studio.types import FloatArray

DROPPED = (*range(104, 109), *range(150, 164), 220)  # 1-based, of 220
SCALE, OFFSET = 1 / 500, -2.0  # stored → µW/(cm² nm sr)
TITLE = "Indian Pines, AVIRIS, 12 June 1992"
CITATION = (
    "Baumgardner, M. F., Biehl, L. L., Landgrebe, D. A. (2015). 220 Band AVIRIS Hyperspectral Image Data Set: "
    "June 12, 1992 Indian Pine Test Site 3. Purdue University Research Repository. doi:10.4231/R7RX991C"
)
LICENCE = "CC BY 3.0 (https://creativecommons.org/licenses/by/3.0/legalcode)"

# pixels a class of the reference (GIC, University of the Basque Country)
LABELLED = (46, 1428, 830, 237, 483, 730, 28, 478, 20, 972, 2455, 593, 205, 1265, 386, 93)

CLASS_NAMES = (
    "Alfalfa",
    "Corn-notill",
    "Corn-mintill",
    "Corn",
    "Grass-pasture",
    "Grass-trees",
    "Grass-pasture-mowed",
    "Hay-windrowed",
    "Oats",
    "Soybean-notill",
    "Soybean-mintill",
    "Soybean-clean",
    "Wheat",
    "Woods",
    "Buildings-Grass-Trees-Drives",
    "Stone-Steel-Towers",
)

# fmt: off
CENTRES_NM = (  # 220 bands
    400.02, 409.82, 419.62, 429.43, 439.25, 449.07, 458.90, 468.73, 478.57, 488.41, 498.26, 508.12, 517.98, 527.85,
    537.72, 547.60, 557.49, 567.38, 577.28, 587.18, 597.09, 607.01, 616.93, 626.85, 636.78, 646.72, 656.67, 666.61,
    676.57, 686.53, 696.50, 686.91, 696.55, 706.19, 715.83, 725.47, 735.11, 744.74, 754.38, 764.01, 773.64, 783.27,
    792.91, 802.53, 812.16, 821.79, 831.41, 841.04, 850.66, 860.28, 869.91, 879.53, 889.14, 898.76, 908.38, 917.99,
    927.61, 937.22, 946.83, 956.45, 966.06, 975.66, 985.27, 994.88, 1004.48, 1014.09, 1023.69, 1033.29, 1042.89,
    1052.49, 1062.09, 1071.69, 1081.29, 1090.88, 1100.48, 1110.07, 1119.66, 1129.25, 1138.84, 1148.43, 1158.02,
    1167.61, 1177.19, 1186.77, 1196.36, 1205.94, 1215.52, 1225.10, 1234.68, 1244.26, 1253.83, 1263.41, 1272.98,
    1282.55, 1273.00, 1282.96, 1292.93, 1302.89, 1312.85, 1322.81, 1332.77, 1342.73, 1352.68, 1362.64, 1372.59,
    1382.54, 1392.49, 1402.44, 1412.39, 1422.34, 1432.28, 1442.23, 1452.17, 1462.11, 1472.05, 1481.99, 1491.92,
    1501.86, 1511.79, 1521.73, 1531.66, 1541.59, 1551.52, 1561.44, 1571.37, 1581.30, 1591.22, 1601.14, 1611.06,
    1620.98, 1630.90, 1640.81, 1650.73, 1660.64, 1670.56, 1680.47, 1690.38, 1700.28, 1710.19, 1720.10, 1730.00,
    1739.90, 1749.81, 1759.71, 1769.60, 1779.50, 1789.40, 1799.29, 1809.19, 1819.08, 1828.97, 1838.86, 1848.75,
    1858.63, 1868.52, 1878.40, 1888.28, 1883.24, 1893.25, 1903.26, 1913.26, 1923.27, 1933.27, 1943.27, 1953.26,
    1963.25, 1973.24, 1983.23, 1993.22, 2003.20, 2013.18, 2023.16, 2033.13, 2043.10, 2053.07, 2063.04, 2073.00,
    2082.97, 2092.92, 2102.88, 2112.83, 2122.78, 2132.73, 2142.68, 2152.62, 2162.56, 2172.50, 2182.43, 2192.37,
    2202.30, 2212.22, 2222.15, 2232.07, 2241.99, 2251.90, 2261.82, 2271.73, 2281.64, 2291.54, 2301.45, 2311.35,
    2321.25, 2331.14, 2341.03, 2350.92, 2360.81, 2370.70, 2380.58, 2390.46, 2400.33, 2410.21, 2420.08, 2429.95,
    2439.81, 2449.68, 2459.54, 2469.40, 2479.25, 2489.11, 2498.96,
)

FWHM_NM = (  # 220 bands
    9.78, 9.82, 9.85, 9.89, 9.92, 9.94, 9.97, 9.99, 10.01, 10.02, 10.04, 10.05, 10.05, 10.06, 10.06, 10.06, 10.05,
    10.04, 10.03, 10.02, 10.00, 9.98, 9.96, 9.94, 9.91, 9.88, 9.84, 9.81, 9.77, 9.73, 9.68, 8.87, 8.87, 8.88, 8.88,
    8.88, 8.89, 8.89, 8.89, 8.90, 8.90, 8.90, 8.91, 8.91, 8.91, 8.92, 8.92, 8.92, 8.93, 8.93, 8.93, 8.93, 8.94, 8.94,
    8.94, 8.94, 8.95, 8.95, 8.95, 8.95, 8.95, 8.96, 8.96, 8.96, 8.96, 8.96, 8.97, 8.97, 8.97, 8.97, 8.97, 8.97, 8.97,
    8.98, 8.98, 8.98, 8.98, 8.98, 8.98, 8.98, 8.98, 8.98, 8.98, 8.99, 8.99, 8.99, 8.99, 8.99, 8.99, 8.99, 8.99, 8.99,
    8.99, 8.99, 9.18, 9.20, 9.22, 9.24, 9.26, 9.28, 9.30, 9.32, 9.34, 9.36, 9.37, 9.39, 9.41, 9.43, 9.44, 9.46, 9.47,
    9.49, 9.51, 9.52, 9.54, 9.55, 9.57, 9.58, 9.59, 9.61, 9.62, 9.63, 9.65, 9.66, 9.67, 9.68, 9.70, 9.71, 9.72, 9.73,
    9.74, 9.75, 9.76, 9.77, 9.78, 9.79, 9.80, 9.81, 9.82, 9.82, 9.83, 9.84, 9.85, 9.85, 9.86, 9.87, 9.87, 9.88, 9.89,
    9.89, 9.90, 9.90, 9.91, 9.91, 9.91, 9.92, 9.92, 13.72, 13.75, 13.79, 13.82, 13.85, 13.88, 13.91, 13.95, 13.97,
    14.00, 14.03, 14.06, 14.09, 14.11, 14.14, 14.16, 14.19, 14.21, 14.23, 14.26, 14.28, 14.30, 14.32, 14.34, 14.36,
    14.38, 14.39, 14.41, 14.43, 14.44, 14.46, 14.47, 14.49, 14.50, 14.51, 14.52, 14.53, 14.54, 14.55, 14.56, 14.57,
    14.58, 14.58, 14.59, 14.60, 14.60, 14.61, 14.61, 14.61, 14.61, 14.61, 14.62, 14.62, 14.62, 14.61, 14.61, 14.61,
    14.61, 14.60, 14.60, 14.59, 14.59, 14.58,
)
# fmt: on


def kept() -> list[int]:
    """0-based indices (200) of the corrected cube's bands among the sensor's 220."""
    return [k for k in range(220) if k + 1 not in DROPPED]


def wavelength_nm() -> FloatArray:
    """(200,)."""
    return np.asarray(CENTRES_NM, dtype=np.float32)[kept()]


def fwhm_nm() -> FloatArray:
    """(200,)."""
    return np.asarray(FWHM_NM, dtype=np.float32)[kept()]
