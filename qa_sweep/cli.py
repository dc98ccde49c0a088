"""The command line: the only place that meets Hydra's DictConfig, which becomes a RunConfig here.

Heavy imports wait until a job runs, so that `--help` and a bad setting answer at once.
"""

import gc
import os
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from traceback import format_exception
from types import ModuleType
from typing import TYPE_CHECKING

import hydra
from hydra.core.config_store import ConfigStore
from hydra.core.hydra_config import HydraConfig
from hydra.errors import HydraException
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from qa_sweep import config as schema
from qa_sweep.commands import INTERRUPTED, ending_with_reader
from qa_sweep.complaints import explain
from qa_sweep.errors import ConfigError, QaSweepError
from qa_sweep.redaction import redact, redact_logs
from qa_sweep.sweep.trial import Infeasible, TrialHandle
from qa_sweep.terminal import spelled_out

if TYPE_CHECKING:
    from qa_sweep.sweep.studies import StudyOnDisk

_PACKAGE = Path(__file__).parent
_EXPLAINED = (QaSweepError, HydraException, OmegaConfBaseException)
_WANTS_TRACEBACK = os.environ.get("HYDRA_FULL_ERROR") == "1"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one job, or with `-m` a sweep; return the exit code.

    What the user can mend is said in one line on stderr; HYDRA_FULL_ERROR=1 shows the traceback.
    """
    gc.disable()  # what is imported is no garbage, and to look for any takes a second
    os.environ["HYDRA_FULL_ERROR"] = "1"  # has Hydra raise instead of printing and exiting
    given = sys.argv[1:] if arguments is None else arguments
    # Both spellings are common; Hydra takes the plus only where a group has no default.
    sys.argv = [sys.argv[0], *(a.removeprefix("+") if "+experiment=" in a else a for a in given)]
    register_schema()
    from qa_sweep.boundary import bounded

    try:
        with ending_with_reader(), bounded(given):
            hydra.main(str(conf_folder()), "config", version_base="1.3")(task)()
    except _EXPLAINED as error:
        return _complain(error)
    except KeyboardInterrupt:
        is_sweep = {"-m", "--multirun"} & set(sys.argv)
        hint = "; the same command goes on from here" if is_sweep else ""
        print(f"qa_sweep: interrupted{hint}", file=sys.stderr)
        return INTERRUPTED
    except Exception as error:  # noqa: BLE001 - a fault of ours, or of what a job uses
        print(redact("".join(format_exception(error))), end="", file=sys.stderr)
        return 1
    finally:
        _freeze_imports()  # the interpreter looks for garbage as it ends, which takes seconds
    return 0


def task(config: DictConfig) -> dict[str, float]:
    """One job, as Hydra calls it; returns the metrics of its best evaluation."""
    from qa_sweep.sweep import trial

    folder = Path(HydraConfig.get().runtime.output_dir)
    if HydraConfig.get().mode is RunMode.MULTIRUN:
        return _run(to_run_config(config), folder, trial.current())
    redact_logs()
    try:
        check(config)
    except _EXPLAINED as error:
        _remove_unused(folder)
        sys.exit(_complain(error))
    try:
        return _run_alone(to_run_config(config), folder)
    except (*_EXPLAINED, Infeasible) as error:
        # Past Hydra, which would announce the failure of the job in words of its own.
        sys.exit(_complain(error))


def check(config: DictConfig) -> None:
    """Refuse what a job would refuse, before anything is started or written."""
    run_config = to_run_config(config)  # before imports, for which a bad value need not wait
    from qa_sweep.data import load_examples, load_questions

    if isinstance(run_config.data, schema.LocalData):
        load_examples(run_config.data)
    load_questions(run_config.questions)


def inputs(config: DictConfig) -> dict[str, str]:
    """What a run depends on beside its settings: what stands in its data files."""
    from qa_sweep.data import fingerprint_of_files

    data = to_run_config(config).data
    if not isinstance(data, schema.LocalData):
        return {}
    return {"data.files": fingerprint_of_files(data.path, data.eval_path)}


def preload(config: DictConfig) -> None:
    """Import what jobs need, and do nothing else: workers are forked of a process that did."""
    gc.disable()
    _import_job()
    from qa_sweep.tracking import import_tracker

    import_tracker(to_run_config(config).tracking)


def warm_up(config: DictConfig) -> None:
    """Import and prepare what jobs need, which takes seconds, before the first is timed."""
    gc.disable()
    job = _import_job()
    gc.freeze()
    job.warm_up(to_run_config(config))
    gc.collect()  # of its first model
    _freeze_imports()


def begin(config: DictConfig, study: "StudyOnDisk") -> None:
    """Write to Aim what earlier sweeps of the study could not, and close what they left open."""
    from qa_sweep import accord
    from qa_sweep.tracking.early_repo import prepare_early

    for line in accord.tidy(study):
        print(line)
    is_new = not study.all_trials  # so there are trials to run, and to track
    prepare_early(to_run_config(config).tracking, is_wanted=is_new)
    _freeze_imports()


def end(config: DictConfig, study: "StudyOnDisk") -> list[str]:
    """Have the study's views ready in Aim; return what to type, and where they are."""
    from qa_sweep.next_steps import next_steps
    from qa_sweep.study_views import prepare_views
    from qa_sweep.tracking.early_repo import finish_early

    run_config = to_run_config(config)
    finish_early(run_config.tracking)
    return [*prepare_views(run_config, study), *next_steps(run_config.tracking, study)]


# The sweeper looks for them there.
for function in (check, inputs, preload, warm_up, begin, end):
    setattr(task, function.__name__, function)


def to_run_config(config: DictConfig) -> schema.RunConfig:
    """The typed, checked settings. Raises ConfigError."""
    run_config = OmegaConf.to_object(config)
    if not isinstance(run_config, schema.RunConfig):
        raise ConfigError("the config must start from run_schema; see conf/config.yaml")
    return run_config


def conf_folder() -> Path:
    """`conf/` as it is installed with the package, or as it stands beside it in a checkout."""
    installed = _PACKAGE / "conf"
    return installed if installed.is_dir() else _PACKAGE.parent / "conf"


def register_schema() -> None:
    """Tell Hydra the types behind the groups."""
    # Hydra copies its sources for each question that it asks them, which is most of what `--help`
    # takes, and the store with them. There is only one, and what it gives out is a copy.
    setattr(ConfigStore, "__deepcopy__", lambda store, _memo: store)  # noqa: B010 - mypy
    store = ConfigStore.instance()
    store.store(name="run_schema", node=schema.RunConfig)
    for group, kinds in schema.KINDS.items():
        for name, kind in kinds.items():
            store.store(group=f"schema/{group}", name=name, node=kind)


def _run(config: schema.RunConfig, folder: Path, handle: TrialHandle) -> dict[str, float]:
    job = _import_job()
    if not gc.isenabled():
        _freeze_imports()
    metrics: dict[str, float] = job.run(config, folder, handle)
    return metrics


def _import_job() -> ModuleType:
    from qa_sweep.lean_imports import lean_imports

    with lean_imports():
        from qa_sweep import job
    return job


def _freeze_imports() -> None:
    """Collect garbage from now on, without looking at what is there.

    The Trainer collects at each start, which else takes it a quarter of a second.
    """
    gc.freeze()
    gc.enable()


def _remove_unused(folder: Path) -> None:
    """Remove the folder that Hydra has made for a run that was refused, and what it alone needed.

    One that holds more than Hydra's own files was there before: `hydra.run.dir` may name any.
    Hydra's log file is open, and stays so until the process ends; it goes with the folder.
    """
    of_hydra = {".hydra", f"{HydraConfig.get().job.name}.log"}
    if folder == Path.cwd() or not {path.name for path in folder.iterdir()} <= of_hydra:
        return
    shutil.rmtree(folder, ignore_errors=True)
    for parent in folder.parents[:2]:  # results/runs and results
        if parent == Path.cwd() or not parent.is_dir() or any(parent.iterdir()):
            return
        parent.rmdir()


def _run_alone(config: schema.RunConfig, folder: Path) -> dict[str, float]:
    """A run outside a sweep, with its own display and last lines."""
    from rich.console import Console

    from qa_sweep.sweep.display import showing
    from qa_sweep.sweep.summary import format_value
    from qa_sweep.sweep.trial import working_on

    console = Console()
    handle = TrialHandle({"model": config.model.name, "data": config.data.name})
    with working_on(handle), showing(console, lambda: [handle.running()]):
        metrics = _run(config, folder, handle)
    shown = "  ".join(f"{name} {format_value(value)}" for name, value in metrics.items())
    console.print(f"{shown}\nin {folder}", soft_wrap=True, highlight=False)
    return metrics


def _complain(error: Exception) -> int:
    """Say in one line what to mend, and return the exit code."""
    if _WANTS_TRACEBACK:
        raise error
    print(f"qa_sweep: {spelled_out(redact(explain(error)))}", file=sys.stderr)
    return 1
