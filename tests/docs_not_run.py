"""The commands of the docs that tests/test_docs_run.py does not run, and why.

A command is meant that has the words of a key, one after the other. Its words are checked all the
same; where another test or script runs it, or its like, the reason names that.
"""

from collections.abc import Sequence

NOT_RUN = {
    "experiment=squad": "trains for hours, on a model and data of the hub",
    "model.path=minilm": "trains for an hour, on a model and data of the hub",
    "hydra.sweeper.n_workers=2": "starts itself anew as workers: tests/test_parabola_app.py",
    "qa_sweep.up": "goes on until Ctrl-C: tests/test_up.py",
    "qa_sweep.study serve": "goes on until Ctrl-C: tests/test_study_command.py",
    "qa_sweep.ask --context docs/mira.md": "wants a terminal: tests/test_ask_command.py",
    "--push OWNER/MODEL": "writes to the hub: tests/test_champion.py",
    "model=bert_large": "needs the reader's own file: tests/test_contributing.py",
    "python tests/parabola_app/app.py": "tests/test_contributing.py, tests/test_launchers.py",
    "python app.py": "needs the page's own app: tests/test_sweeper_docs.py, tests/test_slurm.py",
    "python benchmarks/": "measures for minutes: tests/test_docs_benchmarks.py",
    "benchmarks/gpu.sh": "measures for minutes: tests/test_docs_benchmarks.py",
    "--storage": "needs a storage elsewhere: tests/test_servers.py, tests/test_report.py",
    "make": "takes minutes: .ci/run",
    ".ci/run": "takes an hour: tests/test_ci_run.py",
    ".ci/image": "takes minutes: .ci/docker, tests/test_docker_steps.py",
    ".ci/packages": "changes the machine: .ci/run",
    ".ci/pin": "asks a registry for the newest versions",
    "pip": "asks a registry: .ci/wheel",
    "python3 -m venv": "makes an environment: .ci/wheel",
    "tail -f": "goes on until Ctrl-C",
    "docker/prepare": "asks a registry for images: tests/test_docker.py",
    "docker": "needs Docker's engine: tests/test_docker_services.py, .ci/docker",
    "cd": "is the shell's own",
    ".": "is the shell's own",
}


def reasons(words: Sequence[str]) -> list[str]:
    """The keys under which a command stands; none for one that is run."""
    command = f" {' '.join(words)} "
    return [key for key in NOT_RUN if _stands_in(key, command)]


def _stands_in(key: str, command: str) -> bool:
    return f" {key}" in command if key.endswith("/") else f" {key} " in command
