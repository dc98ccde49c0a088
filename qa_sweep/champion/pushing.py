"""Pushing: a bundle put on the hub, by the hub's own client.

The token is that of `hf auth login` or HF_TOKEN: the client finds it, and nothing here sees it.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from qa_sweep.errors import ConfigError, OutputError, QaSweepError
from qa_sweep.terminal import visible

if TYPE_CHECKING:
    from huggingface_hub import HfApi

_NETWORK = ("httpx", "httpcore")  # modules of the client's HTTP library
# Of an earlier bundle, what a new one may lack; else they would be of another model.
_OF_EARLIER = ["*.onnx", "*.onnx.data", "model*.safetensors", "model.safetensors.index.json"]


def check_name(name: str) -> None:
    """Raise ConfigError where it is no name that the hub could have."""
    from huggingface_hub.errors import HFValidationError
    from huggingface_hub.utils._validators import validate_repo_id

    try:
        validate_repo_id(name)
    except HFValidationError as error:
        raise ConfigError(
            f"--push must be followed by a name as OWNER/MODEL, but got {name!r}"
        ) from error


def push(folder: Path, name: str, *, is_public: bool) -> str:
    """Put the files of `folder` into the repository `name`, made where there is none.

    Returns its address. Raises OutputError, with the reason, where the hub does not take it, or
    where it is there already for all to see and that was not asked for.
    """
    from huggingface_hub import HfApi

    api = HfApi()
    try:
        url = api.create_repo(name, private=not is_public, exist_ok=True)
        _check_privacy(api, url.repo_id, is_public=is_public)
        api.upload_folder(
            folder_path=folder,
            repo_id=url.repo_id,
            commit_message="Model, tokenizer and card by qa_sweep",
            delete_patterns=_OF_EARLIER,
        )
    except QaSweepError:
        raise
    except Exception as error:
        raise OutputError(f"{folder} is written, but {_reason(error, name, api)}") from error
    return str(url)


def _check_privacy(api: "HfApi", name: str, *, is_public: bool) -> None:
    if not is_public and not api.model_info(name).private:
        raise OutputError(
            f"{name} must be private to be pushed to, but all can see it; pass --public, or "
            f"another name"
        )


def _reason(error: Exception, name: str, api: "HfApi") -> str:
    """Why it could not be pushed, in words, and what to do."""
    from huggingface_hub.errors import HfHubHTTPError, OfflineModeIsEnabled

    for cause in _causes(error):
        if isinstance(cause, OfflineModeIsEnabled):
            return "the hub may not be asked; unset HF_HUB_OFFLINE, and give the command again"
        if isinstance(cause, HfHubHTTPError):
            return _refusal(cause.response.status_code, name) or _other(error)
        if isinstance(cause, OSError) or type(cause).__module__.startswith(_NETWORK):
            return (
                f"the hub ({api.endpoint}) cannot be reached; check the network and HF_ENDPOINT, "
                f"and give the command again"
            )
    return _other(error)


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    """An error and those it was raised from."""
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def _refusal(status: int, name: str) -> str | None:
    """What the hub's status means; None for one that says little."""
    if status == 401:
        return (
            f"the hub must know who pushes {name}, but does not; log in with `hf auth login`, or "
            f"set HF_TOKEN"
        )
    if status == 403:
        return (
            f"the token must be allowed to write to {name}, but is not; make one that is, on the "
            f"hub's page for tokens"
        )
    return None


def _other(error: Exception) -> str:
    first_line = visible((str(error) or type(error).__name__).splitlines()[0])
    return f"was not pushed: {first_line[:300]} ({type(error).__name__})"
