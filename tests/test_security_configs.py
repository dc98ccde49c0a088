"""A config, wherever it comes from, runs no code but what is listed in `qa_sweep.boundary`."""

from pathlib import Path

import pytest
from security_helpers import MARK, Ended, hostile_pickle, run_each

CALL = f"{{_target_: os.mkdir, path: {MARK}}}"
MADE = f"{{'()': os.mkdir, path: {MARK}}}"
MODULE = f"import logging, os\nos.mkdir({MARK!r})\nHandler, stream = logging.NullHandler, None\n"
BAD_DATA = ["data=local", "data.path=missing.json", "tracking=off"]  # ends what is not refused
OWN = ["--config-dir", "own", "experiment=own"]

# What is written to the experiment `own`, below `hydra:`.
EXPERIMENTS = {
    "a callback": f"callbacks: {{x: {CALL}}}",
    "a callback within another's settings": (
        "callbacks: {x: {_target_: logging.FileHandler, filename: log, delay: " + CALL + "}}"
    ),
    "a callback made by an interpolation": f'callbacks: {{x: "${{oc.create:{CALL}}}"}}',
    "a callback named by a variable": (
        f'callbacks: {{x: {{_target_: "${{oc.env:NAME_OF_CODE}}", path: {MARK}}}}}'
    ),
    "a handler of the job's log": f"job_logging: {{handlers: {{x: {MADE}}}}}",
    "a filter of the job's log": f"job_logging: {{filters: {{x: {MADE}}}}}",
    "a handler of Hydra's log": f"hydra_logging: {{handlers: {{x: {MADE}}}}}",
    "a handler named by a variable": (
        f"job_logging: {{handlers: {{x: {{'()': '${{oc.env:NAME_OF_CODE}}', path: {MARK}}}}}}}"
    ),
    "a handler of a module in the folder": "job_logging: {handlers: {x: {class: here.Handler}}}",
    "a stream of a module in the folder": (
        "job_logging: {handlers: {x: {class: logging.StreamHandler, stream: 'ext://here.stream'}}}"
    ),
}
WRITTEN = {
    "a callback on the command line": [f"+hydra.callbacks.x={CALL}"],
    "a callback in a sweep": ["-m", f"+hydra.callbacks.x={CALL}"],
    "a callback in another main config": ["--config-dir", "own", "--config-name", "main"],
    "a package in which to look for configs": ["hydra.searchpath=[pkg://here]"],
    "a package named by another main config": ["--config-dir", "own", "--config-name", "searching"],
    "a setting of the sweeper": ["-m", f"hydra.sweeper.enqueue=[{CALL}]"],
    "a setting of the sweeper in a sweep file": ["-m", "--config-dir", "own", "sweeps=own"],
}
RUN_BY_HYDRA = {**dict.fromkeys(EXPERIMENTS, OWN), **WRITTEN}
TRIED = ["a callback", "a callback made by an interpolation", "a handler of the job's log",
         "a stream of a module in the folder", "a package in which to look for configs",
         "a setting of the sweeper"]  # fmt: skip
REFUSED_TOO = {
    "another sweeper": ["-m", "hydra.sweeper._target_=os.mkdir"],
    "another launcher": ["-m", "hydra.launcher._target_=os.mkdir"],
    "a setting of the launcher": ["-m", f"+hydra.launcher.x={CALL}"],
    "a variable of the environment": ["+hydra.job.env_set.PATH=evil"],
    "a copied variable": ["hydra.job.env_copy=[PATH]"],
    "a pickle to be run again": ["--experimental-rerun", "evil.pickle"],
    "a pickle, in short": ["--exp=evil.pickle"],
}
NO_SETTING = {
    "a target in place of the model": [f"model={CALL}"],
    "a model's code": ["model.trust_remote_code=true"],
    "a model's code, added": ["+model.trust_remote_code=true"],
    "a target among the settings": [f"+x={CALL}"],
    "a target of the model": [f"+model.x={CALL}"],
}
NAMES_OF_FOLDERS = {
    "a name that leads elsewhere": ["-m", "data.name=../../x"],
    "a study elsewhere": ["-m", "hydra.sweeper.study_name=../x"],
}
ALL = {**RUN_BY_HYDRA, **REFUSED_TOO, **NO_SETTING, **NAMES_OF_FOLDERS}
COMPUTED = {name for name, text in EXPERIMENTS.items() if "${" in text}  # refused once looked up


def write_files(folder: Path, name: str) -> None:
    """What lies in the folder where the command is given, by which it may be tempted."""
    (folder / "own/experiment").mkdir(parents=True)
    (folder / "own/sweeps").mkdir()
    hydra = EXPERIMENTS.get(name, "verbose: false")
    (folder / "own/experiment/own.yaml").write_text(f"# @package _global_\nhydra:\n  {hydra}\n")
    sweep = f"hydra:\n  sweeper:\n    pruner_settings: {{x: {CALL}}}\n"
    (folder / "own/sweeps/own.yaml").write_text(f"# @package _global_\n{sweep}")
    main = f"defaults: [config, _self_]\nhydra:\n  callbacks: {{x: {CALL}}}\n"
    (folder / "own/main.yaml").write_text(main)
    searching = "defaults: [config, _self_]\nhydra:\n  searchpath: ['pkg://here']\n"
    (folder / "own/searching.yaml").write_text(searching)
    (folder / "here.py").write_text(MODULE)
    (folder / "evil.pickle").write_bytes(hostile_pickle(folder / MARK))


def give(folder: Path, lines: dict[str, list[str]], *, unbounded: bool) -> dict[str, Ended]:
    for name in lines:
        (folder / name).mkdir()
        write_files(folder / name, name)
    whole = {
        n: words if n in NAMES_OF_FOLDERS else [*words, *BAD_DATA] for n, words in lines.items()
    }
    return run_each(whole, folder, unbounded=unbounded, NAME_OF_CODE="os.mkdir")


@pytest.fixture(scope="module")
def place(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("bounded")


@pytest.fixture(scope="module")
def ended(place) -> dict[str, Ended]:
    return give(place, ALL, unbounded=False)


@pytest.fixture(scope="module")
def unbounded_place(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("unbounded")
    give(folder, {name: RUN_BY_HYDRA[name] for name in TRIED}, unbounded=True)
    return folder


@pytest.mark.parametrize("name", ALL)
def test_what_a_config_names_is_refused_in_one_line_and_not_run(ended, place, name) -> None:
    assert not (place / name / MARK).exists()
    assert ended[name].code == 1, ended[name]
    (line,) = ended[name].stderr.strip().splitlines()
    assert line.startswith("qa_sweep: ")
    assert "missing.json" not in line


@pytest.mark.parametrize("name", TRIED)
def test_hydra_alone_would_run_it(unbounded_place, name) -> None:
    assert (unbounded_place / name / MARK).exists()


@pytest.mark.parametrize("name", sorted(ALL.keys() - COMPUTED))
def test_what_is_written_is_refused_before_anything_is_made(ended, place, name) -> None:
    assert ended[name].code == 1
    found = {path.name for path in (place / name).iterdir()}
    assert found <= {"own", "here.py", "evil.pickle"}


@pytest.mark.parametrize("name", [*EXPERIMENTS, *WRITTEN])
def test_the_refusal_names_the_code(ended, name) -> None:
    assert any(code in ended[name].stderr for code in ("os.mkdir", "'here.", "pkg://here"))


def test_the_refusal_cannot_steer_the_terminal(tmp_path) -> None:
    words = ["data=local", "data.path='\x1b]0;title\x07.json'", "tracking=off"]
    ended = run_each({"x": words}, tmp_path)["x"]
    assert r"\x1b]0;title\x07.json" in ended.stderr
    assert "\x1b" not in ended.stderr


def test_yaml_makes_no_objects(tmp_path) -> None:
    folder = tmp_path / "x/own/experiment"
    folder.mkdir(parents=True)
    (folder / "own.yaml").write_text(f"x: !!python/object/apply:os.mkdir [{MARK}]\n")
    assert run_each({"x": [*OWN, "--cfg", "job"]}, tmp_path)["x"].code != 0
    assert not (tmp_path / "x" / MARK).exists()


LOGS = """
# @package _global_
hydra:
  job_logging:
    handlers:
      file: {class: logging.handlers.RotatingFileHandler, maxBytes: 100000}
data: {path: "${oc.env:NAME_OF_DATA}"}
"""


def test_a_config_of_ones_own_chooses_settings_handlers_and_variables(tmp_path) -> None:
    folder = tmp_path / "x/own/experiment"
    folder.mkdir(parents=True)
    (folder / "own.yaml").write_text(LOGS)
    words = [*OWN, "data=local", "tracking=off"]
    ended = run_each({"x": words, "y": ["hydra/job_logging=stdout", *BAD_DATA]}, tmp_path,
                     NAME_OF_DATA="absent.json")  # fmt: skip
    assert "absent.json" in ended["x"].stderr
    assert "missing.json" in ended["y"].stderr
