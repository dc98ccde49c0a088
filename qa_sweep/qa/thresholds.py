"""Thresholds: above which margin a question is better left unanswered.

Shapes
    n_examples   examples; their margins are what "no answer" scores above the best span
"""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def best_cut(value: Floats, of_nothing: Floats, margin: Floats) -> tuple[float, float]:
    """Return the threshold of the margin that gives the highest total, and that total.

    `value` is what an example gives when it is answered, `of_nothing` when it is not; all are
    (n_examples,). A threshold lies half-way between two margins; of equally good ones the nearest
    to 0 is taken.
    """
    order = np.argsort(margin, kind="stable")
    ranked = margin[order]
    start = np.cumsum(of_nothing)[-1]
    totals = np.cumsum(np.append(start, (value - of_nothing)[order]))
    between = ranked[:-1] + (ranked[1:] - ranked[:-1]) / 2
    between = np.where(between < ranked[1:], between, ranked[:-1])
    below = np.nextafter(ranked[0] - 1, -np.inf)  # at 1e30, 1 less is the same
    thresholds = np.concatenate([[below], between, [ranked[-1] + 1]])
    is_cut = np.concatenate([[True], ranked[1:] != ranked[:-1], [True]])
    best = totals[is_cut].max()
    is_best = is_cut & (totals >= best - 1e-9)  # sums in another order differ in the last digits
    return float(min(thresholds[is_best], key=abs)), float(best)
