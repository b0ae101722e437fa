"""Files of weights from the network, kept in a folder: `load_state_dict_from_url`."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any, NoReturn
from urllib.parse import urlparse

from rushlight import serialization
from rushlight.utils.download import download

__all__ = ["download_url_to_file", "get_dir", "help", "list", "load", "load_state_dict_from_url",
           "set_dir"]

HASH_REGEX = re.compile(r"-([a-f0-9]*)\.")
_chosen: Path | None = None


def get_dir() -> str:
    """The folder of downloads: as set, $TORCH_HOME/hub, or ~/.cache/torch/hub."""
    if _chosen is not None:
        return str(_chosen)
    cache = os.environ.get("XDG_CACHE_HOME", "~/.cache")
    home = os.environ.get("TORCH_HOME", os.path.join(cache, "torch"))
    return os.path.join(os.path.expanduser(home), "hub")


def set_dir(d: str | os.PathLike[str]) -> None:
    """Choose the folder of downloads."""
    global _chosen
    _chosen = Path(d).expanduser()


def download_url_to_file(url: str, dst: str | os.PathLike[str], hash_prefix: str | None = None,
                         progress: bool = True) -> None:
    """Download `url` to the file `dst`, which appears whole or not at all.

    hash_prefix: how the SHA-256 of the content begins. Raises RuntimeError where it does not, and
    URLError, with the remedy, where the address cannot be reached.
    """
    download(url, dst, sha256=hash_prefix, progress=False)


def load_state_dict_from_url(url: str, model_dir: str | None = None, map_location: Any = None,
                             progress: bool = True, check_hash: bool = False,
                             file_name: str | None = None, weights_only: bool = True) -> Any:
    """Return the weights at `url`, downloaded once into `model_dir` (get_dir()/checkpoints).

    check_hash: the name has the beginning of its SHA-256, as in resnet18-f37072fd.pth, which is
    tested. Further arguments as in `load` and `download_url_to_file`, errors too.
    """
    folder = Path(model_dir or os.path.join(get_dir(), "checkpoints"))
    name = file_name or os.path.basename(urlparse(url).path)
    file = folder / name
    if not file.exists():
        if progress:
            sys.stderr.write(f'Downloading: "{url}" to {file}\n')
        found = HASH_REGEX.search(name) if check_hash else None
        download_url_to_file(url, file, found.group(1) if found else None, progress)
    if name.endswith(".safetensors"):
        return serialization.load_file(file)
    return serialization.load(file, map_location=map_location, weights_only=weights_only)


def _entry(repo_or_dir: str, source: str) -> Any:
    if source != "local":
        raise RuntimeError(f"hub: code from {repo_or_dir!r} is not downloaded and run; get a copy "
                           "and pass its folder with source='local'")
    folder = Path(repo_or_dir).expanduser()
    spec = spec_from_file_location("hubconf", folder / "hubconf.py")
    if spec is None or spec.loader is None or not (folder / "hubconf.py").exists():
        raise FileNotFoundError(f"hub: there is no hubconf.py in {folder}")
    module = module_from_spec(spec)
    sys.path.insert(0, str(folder))
    try:
        spec.loader.exec_module(module)
    finally:
        sys.path.remove(str(folder))
    return module


def _entries(module: Any) -> dict[str, Callable[..., Any]]:
    return {name: value for name, value in vars(module).items()
            if callable(value) and not name.startswith("_")}


def _function(module: Any, model: str) -> Callable[..., Any]:
    found = _entries(module).get(model)
    if found is None:
        _missing(module, model)
    return found


def _missing(module: Any, model: str) -> NoReturn:
    raise RuntimeError(f"Cannot find callable {model} in hubconf: it has "
                       f"{', '.join(sorted(_entries(module))) or 'none'}")


def load(repo_or_dir: str, model: str, *arguments: Any, source: str = "github",
         trust_repo: Any = None, force_reload: bool = False, verbose: bool = True,
         skip_validation: bool = False, **options: Any) -> Any:
    """Return what the function `model` of a folder's hubconf.py makes of the arguments.

    source: "local"; raises RuntimeError for "github", whose code is not downloaded and run.
    """
    return _function(_entry(repo_or_dir, source), model)(*arguments, **options)


def help(github: str, model: str, source: str = "github", **options: Any) -> str | None:
    """The docstring of an entry of a folder's hubconf.py; arguments as in `load`."""
    return _function(_entry(github, source), model).__doc__


def list(github: str, source: str = "github", **options: Any) -> Any:
    """The entries of a folder's hubconf.py; arguments as in `load`."""
    return sorted(_entries(_entry(github, source)))
