"""SummaryWriter: what a program tells it, as records in a folder."""

from __future__ import annotations

import os
import socket
import time
import warnings
from collections.abc import Mapping, Sequence
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np

from rushlight.utils.tensorboard import summary
from rushlight.utils.tensorboard.protobuf import content, integer, real
from rushlight.utils.tensorboard.records import RecordFile

_numbers = count()


class FileWriter:
    """An event file in a folder, to which summaries are appended."""

    def __init__(self, log_dir: str | os.PathLike[str], max_queue: int = 10,
                 flush_secs: float = 120, filename_suffix: str = "") -> None:
        self._folder = Path(log_dir)
        self._folder.mkdir(parents=True, exist_ok=True)
        name = (f"events.out.tfevents.{int(time.time()):010d}.{socket.gethostname()}."
                f"{os.getpid()}.{next(_numbers)}{filename_suffix}")
        self._file = RecordFile(self._folder / name)
        self._seconds = flush_secs
        self._next = time.monotonic() + flush_secs
        self._file.write(real(1, time.time()) + content(3, "brain.Event:2"))
        self._file.flush()

    def get_logdir(self) -> str:
        """The folder."""
        return str(self._folder)

    def add(self, values: Sequence[bytes], step: int | None, walltime: float | None) -> None:
        """Append an event with these values."""
        message = b"".join(content(1, value) for value in values)
        when = time.time() if walltime is None else walltime
        number = b"" if step is None else integer(2, int(step))
        self._file.write(real(1, when) + number + content(5, message))
        if time.monotonic() >= self._next:
            self.flush()

    def flush(self) -> None:
        """Let readers see everything that was added."""
        self._file.flush()
        self._next = time.monotonic() + self._seconds

    def close(self) -> None:
        """Flush and close."""
        self._file.close()


class SummaryWriter:
    """Writes scalars, histograms, images, texts and embeddings for TensorBoard.

    log_dir: the folder; by default runs/DATE_HOST. comment: ends the default folder's name.
    flush_secs: how long readers may have to wait. filename_suffix: ends the file's name.
    purge_step, max_queue: accepted.

    >>> import tempfile
    >>> from rushlight.utils.tensorboard import SummaryWriter
    >>> with SummaryWriter(tempfile.mkdtemp()) as writer:
    ...     writer.add_scalar("loss", 0.5, 1)
    """

    def __init__(self, log_dir: str | os.PathLike[str] | None = None, comment: str = "",
                 purge_step: int | None = None, max_queue: int = 10, flush_secs: float = 120,
                 filename_suffix: str = "") -> None:
        if not log_dir:
            when = time.strftime("%b%d_%H-%M-%S")
            log_dir = os.path.join("runs", f"{when}_{socket.gethostname()}{comment}")
        self.log_dir = str(log_dir)
        self._options = {"flush_secs": flush_secs, "filename_suffix": filename_suffix}
        self._writers: dict[str, FileWriter] = {}
        self.file_writer: FileWriter | None = self._writer()

    def _writer(self, below: str = "") -> FileWriter:
        if below not in self._writers:
            folder = os.path.join(self.log_dir, below) if below else self.log_dir
            self._writers[below] = FileWriter(folder, **self._options)  # type: ignore[arg-type]
        return self._writers[below]

    def __enter__(self) -> SummaryWriter:
        return self

    def __exit__(self, *error: Any) -> None:
        self.close()

    def get_logdir(self) -> str:
        """The folder."""
        return self.log_dir

    def flush(self) -> None:
        """Let readers see everything that was added."""
        for writer in self._writers.values():
            writer.flush()

    def close(self) -> None:
        """Flush and close; adding something opens a new file."""
        for writer in self._writers.values():
            writer.close()
        self._writers.clear()
        self.file_writer = None

    def _add(self, value: bytes, step: int | None, walltime: float | None) -> None:
        self._writer().add([value], step, walltime)

    def add_scalar(self, tag: str, scalar_value: Any, global_step: int | None = None,
                   walltime: float | None = None, new_style: bool = False,
                   double_precision: bool = False) -> None:
        """A number (or a tensor of one) at a step."""
        self._add(summary.scalar(tag, scalar_value), global_step, walltime)

    def add_scalars(self, main_tag: str, tag_scalar_dict: Mapping[str, Any],
                    global_step: int | None = None, walltime: float | None = None) -> None:
        """Several numbers in one diagram: each goes to a folder of its own."""
        for name, value in tag_scalar_dict.items():
            below = f"{main_tag.replace('/', '_')}_{name}"
            self._writer(below).add([summary.scalar(main_tag, value)], global_step, walltime)

    def add_histogram(self, tag: str, values: Any, global_step: int | None = None,
                      bins: Any = "tensorflow", walltime: float | None = None,
                      max_bins: int | None = None) -> None:
        """How the elements of a tensor are distributed. bins: as numpy.histogram takes them."""
        self._add(summary.histogram(tag, values, bins, max_bins), global_step, walltime)

    def add_histogram_raw(self, tag: str, min: float, max: float, num: int, sum: float,
                          sum_squares: float, bucket_limits: Any, bucket_counts: Any,
                          global_step: int | None = None, walltime: float | None = None) -> None:
        """A distribution that was counted elsewhere."""
        value = summary.raw_histogram(tag, min, max, num, sum, sum_squares, bucket_limits,
                                      bucket_counts)
        self._add(value, global_step, walltime)

    def add_image(self, tag: str, img_tensor: Any, global_step: int | None = None,
                  walltime: float | None = None, dataformats: str = "CHW") -> None:
        """An image: bytes, or floats 0..1, dimensions as in `dataformats`."""
        pixels = summary.as_pixels(img_tensor, dataformats)
        self._add(summary.image(tag, pixels), global_step, walltime)

    def add_images(self, tag: str, img_tensor: Any, global_step: int | None = None,
                   walltime: float | None = None, dataformats: str = "NCHW") -> None:
        """A batch of images, as a grid of eight columns."""
        self.add_image(tag, img_tensor, global_step, walltime, dataformats)

    def add_figure(self, tag: str, figure: Any, global_step: int | None = None,
                   close: bool = True, walltime: float | None = None) -> None:
        """A figure of matplotlib, or several, as one image."""
        figures = figure if isinstance(figure, list) else [figure]
        drawn = []
        for one in figures:
            one.canvas.draw()
            drawn.append(np.asarray(one.canvas.buffer_rgba())[..., :3])
        pixels = drawn[0] if len(drawn) == 1 else np.stack(drawn)
        form = "HWC" if len(drawn) == 1 else "NHWC"
        self.add_image(tag, pixels, global_step, walltime, form)
        if close:
            for one in figures:
                one.clf()

    def add_text(self, tag: str, text_string: str, global_step: int | None = None,
                 walltime: float | None = None) -> None:
        """A text in Markdown."""
        self._add(summary.text(tag, text_string), global_step, walltime)

    def add_pr_curve(self, tag: str, labels: Any, predictions: Any,
                     global_step: int | None = None, num_thresholds: int = 127,
                     weights: Any = None, walltime: float | None = None) -> None:
        """Precision and recall of `predictions` (0..1) against true or false `labels`."""
        value = summary.precision_recall(tag, labels, predictions, num_thresholds, weights)
        self._add(value, global_step, walltime)

    def add_hparams(self, hparam_dict: Mapping[str, Any], metric_dict: Mapping[str, Any],
                    hparam_domain_discrete: Any = None, run_name: str | None = None,
                    global_step: int | None = None) -> None:
        """Settings as a table of text, results as scalars, in a folder of their own."""
        below = run_name or str(time.time())
        rows = "\n".join(f"| {name} | {value} |" for name, value in hparam_dict.items())
        values = [summary.scalar(name, value) for name, value in metric_dict.items()]
        table = summary.text("hparams", f"| setting | value |\n|---|---|\n{rows}")
        self._writer(below).add([*values, table], global_step or 0, None)

    def add_graph(self, model: Any, input_to_model: Any = None, verbose: bool = False,
                  use_strict_trace: bool = True) -> None:
        """Nothing is written, with a warning: programs are not traced into graphs."""
        warnings.warn("add_graph: programs are not traced into graphs, so none is written; "
                      "rushlight.summary(model, ...) shows the layers", stacklevel=2)

    def add_embedding(self, mat: Any, metadata: Sequence[Any] | None = None,
                      label_img: Any = None, global_step: int | None = None,
                      tag: str = "default", metadata_header: Sequence[str] | None = None) -> None:
        """Points (count, dim) with labels and images (count, C, H, W), for the projector."""
        name = f"{0 if global_step is None else global_step:05d}/{tag}"
        folder = Path(self.log_dir, name)
        folder.mkdir(parents=True, exist_ok=True)
        points = summary.array(mat)
        np.savetxt(folder / "tensors.tsv", points, delimiter="\t", fmt="%.8g")
        lines = [f'tensor_name: "{tag}:{name}"', f'tensor_path: "{name}/tensors.tsv"']
        if metadata is not None:
            rows = [] if metadata_header is None else ["\t".join(metadata_header)]
            rows += ["\t".join(map(str, row)) if metadata_header else str(row) for row in metadata]
            (folder / "metadata.tsv").write_text("\n".join(rows) + "\n")
            lines.append(f'metadata_path: "{name}/metadata.tsv"')
        if label_img is not None:
            images = summary.array(label_img)
            side = int(np.ceil(np.sqrt(len(images))))
            (folder / "sprite.png").write_bytes(summary.png(_sprite(images, side)))
            lines.append(f'sprite {{ image_path: "{name}/sprite.png" single_image_dim: '
                         f"{images.shape[3]} single_image_dim: {images.shape[2]} }}")
        with Path(self.log_dir, "projector_config.pbtxt").open("a") as file:
            file.write("embeddings { " + " ".join(lines) + " }\n")


def _sprite(images: np.ndarray, side: int) -> np.ndarray:
    blank = np.zeros((side * side - len(images), *images.shape[1:]), images.dtype)
    rows = np.concatenate([images, blank]).reshape(side, side, *images.shape[1:])
    canvas = rows.transpose(0, 3, 1, 4, 2).reshape(  # (side, height, side, width, channels)
        side * images.shape[2], side * images.shape[3], images.shape[1])
    return summary.as_pixels(canvas, "HWC")
