"""Making a bundle: what is chosen, written, checked and pushed, in this order."""

import argparse
from importlib.util import find_spec

from qa_sweep.champion.bundle import bundle_at, fill
from qa_sweep.champion.choice import choose
from qa_sweep.errors import ConfigError
from qa_sweep.terminal import visible

_ONNX_PACKAGES = ("onnx", "onnxruntime", "onnxscript")


def make(options: argparse.Namespace) -> int:
    """Do what the options say; return the exit code. What can be refused is refused first."""
    _check(options)
    champion = choose(options.results, options.study, options.storage, options.trial)
    is_good = True
    with bundle_at(options.to) as folder:
        fill(folder, champion, options.push or options.to.resolve().name)
        if options.check:
            from qa_sweep.champion.checking import check

            found = check(champion.record, folder)
            print(visible(found.sentence))
            is_good = not found.differs
        if options.onnx:
            from qa_sweep.champion.onnx_model import add_onnx

            parity = add_onnx(champion.record, folder)
            print(parity.sentence)
            is_good = is_good and parity.holds
    print(visible(f"trial {champion.number} of study {champion.study.name} is in {options.to}"))
    if options.push:
        _push(options, is_good)
    return 0 if is_good else 1


def _check(options: argparse.Namespace) -> None:
    """Raise ConfigError where something that is asked for cannot be done here."""
    if options.public and not options.push:
        raise ConfigError("--public must come with --push NAME, but there is none")
    if options.push:
        from qa_sweep.champion.pushing import check_name

        check_name(options.push)
    if options.onnx:
        _require_onnx()


def _push(options: argparse.Namespace, is_good: bool) -> None:
    if not is_good:
        print("it is not pushed, as it is not what the run was; see above")
        return
    from qa_sweep.champion.pushing import push

    print(f"pushed: {push(options.to, options.push, is_public=options.public)}")


def _require_onnx() -> None:
    """Raise ConfigError where a package is missing that is needed for nothing else."""
    missing = [name for name in _ONNX_PACKAGES if find_spec(name) is None]
    if missing:
        raise ConfigError(
            f"--onnx needs {' and '.join(missing)}, which is not installed; "
            f"pip install 'qa_sweep[onnx]'"
        )
