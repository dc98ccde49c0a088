"""Optuna's own figures of a study."""

import warnings
from collections.abc import Iterator, Sequence
from itertools import combinations

from optuna.trial import FrozenTrial, TrialState

from qa_sweep.report.figure import Figure
from qa_sweep.report.importance import importances, varied_params
from qa_sweep.report.shown_study import ShownStudy, shown_study
from qa_sweep.report.thinning import drawn, thinned
from qa_sweep.sweep.studies import StudyOnDisk

_MAX_CONTOUR_PARAMS = 3  # each pair of them has a chart


def optuna_figures(study: StudyOnDisk) -> list[Figure]:
    """Those that have something to show; raises ImportError without plotly."""
    import optuna.visualization  # noqa: F401  # takes a second

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of charts that have little to show
        return list(_figures(study))


def _figures(study: StudyOnDisk) -> Iterator[Figure]:
    trials = study.leaderboard.trials
    complete = [trial for trial in trials if trial.state is TrialState.COMPLETE]
    params = varied_params(complete)
    for index in range(len(study.objectives)):
        yield from _of_objective(study, index, complete, params)
    if len(study.objectives) > 1:
        yield from _fronts(study, complete)
    if params:
        yield _parallel_coordinate(study, complete)
    if any(trial.intermediate_values for trial in trials):
        yield _intermediate_values(study, trials)
    if any(trial.datetime_start is not None for trial in trials):
        yield _timeline(study, trials)


def _of_objective(
    study: StudyOnDisk, index: int, complete: Sequence[FrozenTrial], params: Sequence[str]
) -> Iterator[Figure]:
    if not complete:
        return
    shown = shown_study(study, complete, (index,))
    suffix = f"-{index}" if index else ""
    of = f": {_name(shown)}" if len(study.objectives) > 1 else ""
    yield _history(study, index, suffix, of)
    if importances(shown):
        yield _importances(shown, suffix, of)
    if params:
        yield _slice(shown, suffix, of)
    if 2 <= len(params) <= _MAX_CONTOUR_PARAMS:
        few = shown_study(study, thinned(complete), (index,))
        yield _contour(few, suffix, of, drawn(complete))


def _history(study: StudyOnDisk, index: int, suffix: str, of: str) -> Figure:
    from optuna.visualization import plot_optimization_history

    shown = shown_study(study, study.all_trials, (index,))  # it looks trials up by their number
    return Figure.of_plotly(
        f"history{suffix}",
        f"Optimization history{of}",
        "A point a complete trial, in the order of their numbers; the line is the best so far.",
        plot_optimization_history(shown, target_name=_name(shown)),
    )


def _importances(shown: ShownStudy, suffix: str, of: str) -> Figure:
    from optuna.visualization import plot_param_importances

    return Figure.of_plotly(
        f"importances{suffix}",
        f"Importance of params{of}",
        "The share of each param in what tells good trials from others (PED-ANOVA); of few trials "
        "it is a hint at most.",
        plot_param_importances(shown, target_name=_name(shown)),
        height=120 + 40 * len(importances(shown)),
    )


def _slice(shown: ShownStudy, suffix: str, of: str) -> Figure:
    from optuna.visualization import plot_slice

    params = varied_params(shown.get_trials(deepcopy=False))
    return Figure.of_plotly(
        f"slice{suffix}",
        f"Each param by itself{of}",
        "A point a complete trial; the darker, the later it was.",
        plot_slice(shown, params=params, target_name=_name(shown)),
        min_width=240 * len(params),
    )


def _contour(shown: ShownStudy, suffix: str, of: str, which: str) -> Figure:
    from optuna.visualization import plot_contour

    params = varied_params(shown.get_trials(deepcopy=False))
    n_sides = 1 if len(params) == 2 else len(params)
    return Figure.of_plotly(
        f"contour{suffix}",
        f"Pairs of params{of}",
        f"Colour is the objective, guessed between the trials, which are the dots.{which}",
        plot_contour(shown, params=params, target_name=_name(shown)),
        height=max(420, 240 * n_sides),
        min_width=240 * n_sides,
    )


def _parallel_coordinate(study: StudyOnDisk, complete: Sequence[FrozenTrial]) -> Figure:
    from optuna.visualization import plot_parallel_coordinate

    shown = shown_study(study, thinned(complete), range(len(study.objectives)))
    params = varied_params(shown.get_trials(deepcopy=False))
    n_axes = len(params) + len(study.objectives)
    figure = plot_parallel_coordinate(shown, params=params, target_name=_name(shown))
    return Figure.of_plotly(
        "parallel-coordinates",
        "Parallel coordinates",
        f"A line a complete trial, from its objective through its params.{drawn(complete)}",
        figure,
        min_width=130 * n_axes + 100,
    )


def _fronts(study: StudyOnDisk, complete: Sequence[FrozenTrial]) -> Iterator[Figure]:
    """One of each two objectives: Optuna's front of three needs WebGL, and has none of more."""
    from optuna.visualization import plot_pareto_front

    if not complete:
        return
    for first, second in combinations(range(len(study.objectives)), 2):
        shown = shown_study(study, complete, (first, second))
        names = [str(name) for name in shown.metric_names or ()]
        yield Figure.of_plotly(
            f"front-{first}-{second}",
            f"Pareto front: {' and '.join(names)}",
            "Of the trials on the front, no other is better in one of the two without being worse "
            "in the other.",
            plot_pareto_front(shown),
        )


def _intermediate_values(study: StudyOnDisk, trials: Sequence[FrozenTrial]) -> Figure:
    from optuna.visualization import plot_intermediate_values

    reporting = [trial for trial in trials if trial.intermediate_values]
    shown = shown_study(study, thinned(reporting), (0,))
    return Figure.of_plotly(
        "intermediate-values",
        "Intermediate values",
        "The objective at each evaluation; a line that ends early was pruned, or goes on."
        f"{drawn(reporting, 'trials that reported one')}",
        plot_intermediate_values(shown),
    )


def _timeline(study: StudyOnDisk, trials: Sequence[FrozenTrial]) -> Figure:
    from optuna.visualization import plot_timeline

    return Figure.of_plotly(
        "timeline",
        "Timeline",
        "A bar a trial, from its beginning to its end.",
        plot_timeline(shown_study(study, trials, (0,))),
        height=min(900, 240 + 8 * len(trials)),
    )


def _name(shown: ShownStudy) -> str:
    return str((shown.metric_names or ["objective"])[0])
