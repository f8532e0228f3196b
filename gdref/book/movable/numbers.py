"""Numbers as text, and round axes for them; ``core.js`` has the same functions."""

import math
from typing import NamedTuple

import numpy as np

# Round values, close enough to feel continuous.
DECAYS = [
    *(0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.75, 0.8, 0.82, 0.84, 0.86, 0.88),
    *(0.9, 0.91, 0.92, 0.93, 0.94, 0.95, 0.96, 0.97, 0.98, 0.99, 0.995, 0.998, 0.999, 0.9999),
]
LEADING = "1 1.1 1.2 1.3 1.4 1.5 1.6 1.8 2 2.2 2.5 2.8 3 3.5 4 4.5 5 5.5 6 7 8 9"


class Ticks(NamedTuple):
    """The two ends of an axis and the distance of its ticks."""

    low: float
    high: float
    step: float


def number(value: float, digits: int = 4) -> str:
    """A number for a reader: ``digits`` significant digits, a real minus sign."""
    if not math.isfinite(value):
        return "not a number" if math.isnan(value) else "infinite"
    rounded = float(f"{value:.{digits}g}")
    if rounded and not 1e-3 <= abs(rounded) < 1e5:
        lead, exponent = f"{rounded:.{digits - 1}e}".split("e")
        lead = lead.rstrip("0").rstrip(".") if "." in lead else lead
        return f"{lead}e{int(exponent):+d}".replace("-", "\u2212")
    return (repr(int(rounded)) if rounded == int(rounded) else repr(rounded)).replace("-", "\u2212")


def power(k: float) -> str:
    """Ten to the k, for a tick."""
    return "10" + str(int(k)).translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))


def nice(least: float, most: float) -> float:
    """A round distance of ticks, such that at most six intervals hold the range."""
    unit = 10.0 ** math.floor(math.log10((most - least) / 6))
    steps = (k * unit for k in (1, 2, 5, 10, 20))
    return next(s for s in steps if math.ceil(most / s) - math.floor(least / s) <= 6)


def linear(values: np.ndarray, limit: float = 1e12) -> Ticks:
    """An axis for 0 and the values below a limit."""
    drawn = values[np.abs(values) < limit]
    low, high = min(0.0, *drawn), max(0.0, *drawn)
    if low == high:
        return Ticks(0.0, 1.0, 0.2)
    least, most = (end and end + math.copysign(0.02, end) * (high - low) for end in (low, high))
    step = nice(least, most)
    return Ticks(math.floor(least / step) * step, math.ceil(most / step) * step, step)


def decades(values: np.ndarray) -> Ticks:
    """The same for the exponents of ten of the positive values.

    A run that diverges must not press the others flat: the axis ends six decades above the first
    value, and it has at most 16 decades.
    """
    limit = 1e6 * values[0] if values[0] > 0 else 1e300
    drawn = values[(values > 0) & (values < limit)]
    if not drawn.size:
        return Ticks(-1, 0, 1)
    low = math.floor(math.log10(max(drawn.min(), drawn.max() * 1e-16)))
    high = max(math.ceil(math.log10(drawn.max())), low + 1)
    return Ticks(low, high, max(1, nice(low, high)))


def counts(steps: int) -> Ticks:
    """The same for the steps 0, 1, ..., in whole numbers."""
    return Ticks(0, max(1, steps), max(1, nice(0, max(1, steps))))


def spread(low: float, high: float, n: int, log: bool = False) -> np.ndarray:
    """n points from low to high, equally spaced or with equal quotients."""
    k = np.arange(n)
    return low * (high / low) ** (k / (n - 1)) if log else low + (high - low) * k / (n - 1)


def log_choices(low: float, high: float, leading: str = LEADING) -> list[float]:
    """Round numbers from low to high, the same in each decade."""
    exponents = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    values = [float(f"{lead}e{k}") for k in exponents for lead in leading.split()]
    return [value for value in values if low <= value <= high]


def round_choices(low: float, high: float, scale: str, positions: int) -> list[float]:
    """The values of a slider: about ``positions`` round numbers from low to high.

    ``scale`` is "linear", "whole", "log" (22 values a decade at most) or "decay" (crowded
    towards 1).
    """
    if scale == "decay":
        inner = [float(choice) for choice in DECAYS if low <= choice <= high]
    elif scale == "log":
        inner = log_choices(low, high)
    elif scale in ("linear", "whole"):
        least = 10.0 ** math.floor(math.log10((high - low) / positions))
        steps = (least * k for k in (1, 2, 2.5, 5, 10))
        step = next(s for s in steps if (high - low) / s <= positions * 1.001)
        step = max(1, round(step)) if scale == "whole" else step
        ends = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
        inner = [float(f"{k * step:.10g}") for k in range(ends[0], ends[1] + 1)]
    else:
        raise ValueError(f"scale is {scale!r}; it must be linear, whole, log or decay")
    return sorted({float(low), *inner, float(high)})
