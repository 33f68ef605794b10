"""Tensors and modules as a notebook shows them: values as pictures, modules that can be unfolded.

The page around it may be light or dark: text has the page's colour.
"""

from __future__ import annotations

import itertools
from html import escape
from typing import Any

import numpy as np

from rushlight.caller import HERE
from rushlight.core.doors import read
from rushlight.core.tensor import Array
from rushlight.visual.pixels import as_img, ends, heat, picture

_QUIET = "opacity:.65"
_LOUD = "color:#d32f2f;font-weight:600"
# A table of numbers rather than a picture, up to so many rows and columns; a sample of more elements than that.
_TABLE, _SAMPLE = 12, 4_000_000
_BINS = 40


def prints_as_ours(value: Any) -> bool:
    """Whether the class of a value leaves it to us how it is printed."""
    code = getattr(type(value).__repr__, "__code__", None)
    return code is not None and code.co_filename.startswith(HERE)


def tensor_html(tensor: Any) -> str | None:
    """A tensor: type and shape, statistics, its values as colours; None for one that is only said in words."""
    if tensor.is_sparse:
        return None
    data = tensor._data_
    if data.__class__ is not np.ndarray or data.dtype.kind not in "fiubV":
        return None
    values = read(tensor, "showing it in a notebook")
    if values.dtype.kind == "V":
        values = values.astype(np.float32)
    parts = [_head(tensor)]
    if values.size > 1:
        parts += [_statistics(values), _picture(values)]
    text = escape(repr(tensor))
    if values.size <= 1:
        parts.append(f"<pre>{text}</pre>")
    else:
        parts.append(
            f'<details><summary style="{_QUIET}">values</summary><pre>{text}</pre></details>'
        )
    return f"<div>{''.join(parts)}</div>"


def _head(tensor: Any) -> str:
    kind = "Parameter" if getattr(tensor, "_is_param", False) else type(tensor).__name__
    dtype = str(tensor.dtype).removeprefix("torch.")
    words = f"<b>{escape(kind)}</b> {list(tensor.shape)} {dtype}"
    node = tensor.grad_fn
    notes = []
    if node is not None:
        notes.append(node.name().rpartition("::")[2])
    elif tensor.requires_grad:
        notes.append("requires grad")
    if tensor.is_leaf and tensor.grad is not None and not tensor.grad.is_sparse:
        notes.append(f"gradient of norm {float(tensor.grad.detach().double().norm()):.4g}")
    return f'<div>{words} <span style="{_QUIET}">{escape(" · ".join(notes))}</span></div>'


def _statistics(values: Array) -> str:
    flat = values.ravel()
    sampled = flat.size > _SAMPLE
    if sampled:
        flat = flat[:: -(-flat.size // _SAMPLE)]
    if flat.dtype.kind == "b":
        return f'<div style="{_QUIET}">{int(flat.sum()):,} of {flat.size:,} are True</div>'
    wide = flat.astype(np.float64)
    finite = wide[np.isfinite(wide)]
    words = []
    if finite.size:
        low, high = finite.min(), finite.max()
        with np.errstate(all="ignore"):
            words.append(f"{low:.4g} … {high:.4g}, mean {finite.mean():.4g} ± {finite.std():.4g}")
        zeros = np.count_nonzero(finite == 0) / finite.size
        if zeros:
            words.append(f"{zeros:.0%} zeros" if zeros >= 0.005 else "few zeros")
    if sampled:
        words.append("of a sample")
    text = f'<span style="{_QUIET}">{escape(", ".join(words))}</span>'
    counts = {"nan": np.isnan(wide).sum(), "infinite": np.isinf(wide).sum()}
    odd = ", ".join(f"{count:,} {name}" for name, count in counts.items() if count)
    text += f' <span style="{_LOUD}">{odd}</span>' if odd else ""
    return f"<div>{text}{_histogram(finite)}</div>"


def _histogram(finite: Array) -> str:
    if finite.size < 20 or finite.min() == finite.max():
        return ""
    with np.errstate(all="ignore"):
        reach = finite.max() - finite.min()
        if not np.isfinite(reach):
            return ""
        counts = np.histogram(finite, _BINS)[0]
    bars = "".join(
        f'<rect x="{4 * at}" y="{30 - height:.1f}" width="3" height="{height:.1f}"/>'
        for at, height in enumerate(30 * counts / counts.max())
        if height
    )
    return (
        f'<svg width="{4 * _BINS}" height="30" style="vertical-align:middle;margin-left:1em;opacity:.6" '
        f'fill="currentColor">{bars}</svg>'
    )


def _picture(values: Array) -> str:
    if values.ndim <= 2 and max(values.shape) <= _TABLE:
        return _numbers(values.reshape(-1, values.shape[-1]))
    return f'<div style="margin:.4em 0">{as_img(picture(values))}</div>'


def _numbers(matrix: Array) -> str:
    """A table in which each number stands on its colour."""
    colors = heat(matrix, *ends(matrix))
    rows = []
    for values, shades in zip(matrix, colors, strict=True):
        cells = []
        for value, shade in zip(values, shades, strict=True):
            ink = "#111" if shade @ np.array([0.3, 0.6, 0.1]) > 140 else "#fff"
            style = f"background:rgb({','.join(map(str, shade))});color:{ink};padding:.15em .5em;text-align:right"
            word = str(value) if matrix.dtype.kind != "f" else f"{value:.4g}"
            cells.append(f'<td style="{style}">{word}</td>')
        rows.append(f"<tr>{''.join(cells)}</tr>")
    return f'<table style="border-collapse:collapse;margin:.4em 0">{"".join(rows)}</table>'


# ---- modules ---------------------------------------------------------------------------------------


def module_html(module: Any) -> str:
    """A module: what is in it, with parameters and their shapes, to be unfolded."""
    every = list(module.parameters())
    trainable = sum(p.numel() for p in every if p.requires_grad)
    notes = [_counted(every), "training" if module.training else "evaluation"]
    if every and trainable != sum(p.numel() for p in every):
        notes.append(f"{trainable:,} trainable")
    head = (
        f'<b>{escape(type(module).__name__)}</b> <span style="{_QUIET}">{" · ".join(notes)}</span>'
    )
    return f"<div><div>{head}</div>{_inside(module)}</div>"


def _inside(module: Any) -> str:
    lines = [_leaf(module)] if not module._modules else []
    own = _parameters(module) if module._modules else ""
    if own:
        lines.append(f"<div>{own}</div>")
    children = [(name, child) for name, child in module.named_children()]
    for text, same in itertools.groupby(children, key=lambda pair: repr(pair[1])):
        alike = list(same)
        names, child = [name for name, _ in alike], alike[0][1]
        if not child._modules and len(alike) < 3:
            lines += [_named(name, inner, text) for name, inner in alike]
        elif len(alike) == 1:
            lines.append(_folded(names[0], child, 1))
        else:
            lines.append(_folded(f"{names[0]} … {names[-1]}", child, len(alike)))
    return f'<div style="margin-left:1.2em">{"".join(lines)}</div>'


def _named(name: str, module: Any, text: str) -> str:
    parameters = _parameters(module)
    said = f"<code>{escape(name)}</code> {escape(text if len(text) < 100 else text[:99] + '…')}"
    return f'<div>{said} <span style="{_QUIET}">{parameters}</span></div>'


def _folded(name: str, module: Any, times: int) -> str:
    many = f" <b>× {times}</b>" if times > 1 else ""
    each = " each" if times > 1 else ""
    count = _counted(list(module.parameters()))
    head = f"<code>{escape(name)}</code> {escape(type(module).__name__)}{many}"
    return (
        f'<details><summary>{head} <span style="{_QUIET}">{count}{each}</span></summary>'
        f"{_inside(module)}</details>"
    )


def _leaf(module: Any) -> str:
    return f'<div>{escape(repr(module))} <span style="{_QUIET}">{_parameters(module)}</span></div>'


def _parameters(module: Any) -> str:
    shapes = [
        f"{escape(name)} {list(p.shape)}{'' if p.requires_grad else ' frozen'}"
        for name, p in module.named_parameters(recurse=False)
    ]
    return ", ".join(shapes)


def _counted(parameters: list[Any]) -> str:
    count = sum(p.numel() for p in parameters)
    return f"{count:,} parameter{'' if count == 1 else 's'}"
