"""Processes in a grid, by names."""

from __future__ import annotations

import os
from typing import Any

import numpy as np

from rushlight import dtypes
from rushlight.distributed.groups import (
    ProcessGroup,
    _get_default_group,
    get_rank,
    get_world_size,
    init_process_group,
    is_initialized,
    new_group,
)
from rushlight.distributed.seats import launched
from rushlight.distributed.store import HashStore
from rushlight.ops.creation import tensor

__all__ = ["DeviceMesh", "init_device_mesh"]


class DeviceMesh:
    """A grid of processes of one type of device.

    >>> mesh = init_device_mesh("cpu", (1, 1), mesh_dim_names=("data", "model"))
    >>> mesh["data"].size(), mesh.get_coordinate()
    (1, (0, 0))
    >>> import rushlight
    >>> rushlight.distributed.destroy_process_group()
    """

    def __init__(
        self, device_type: str, mesh: Any, *, mesh_dim_names: Any = None, _groups: Any = None, **options: Any
    ) -> None:  # fmt: skip
        self.device_type = device_type
        ranks = np.asarray(mesh.tolist() if hasattr(mesh, "tolist") else mesh, np.int32)
        self.mesh = tensor(ranks.tolist(), dtype=dtypes.int32)
        self.mesh_dim_names = None if mesh_dim_names is None else tuple(mesh_dim_names)
        if not is_initialized():
            if "RANK" in os.environ or launched() is not None:
                init_process_group("gloo")
            else:
                init_process_group("gloo", rank=0, world_size=1, store=HashStore())
        if ranks.size > get_world_size():
            raise RuntimeError(
                f"Mesh should not be bigger than default world size {get_world_size()}, but found {ranks.size} ranks!"
            )
        where = np.argwhere(ranks == get_rank())
        self._coordinate = tuple(int(n) for n in where[0]) if len(where) else None
        self._groups = self._lines(ranks) if _groups is None else _groups

    def _lines(self, ranks: Any) -> list[Any]:
        """The group of this process along each side; all of them are made by all."""
        if ranks.ndim == 1 and ranks.tolist() == list(range(get_world_size())):
            return [_get_default_group()]
        own = []
        for side in range(ranks.ndim):
            for line in np.moveaxis(ranks, side, -1).reshape(-1, ranks.shape[side]).tolist():
                group = new_group(line)
                if get_rank() in line:
                    own.append(group)
        return own

    @property
    def shape(self) -> tuple[int, ...]:
        """How many processes each side has."""
        return tuple(self.mesh.shape)

    @property
    def ndim(self) -> int:
        """How many sides the grid has."""
        return int(self.mesh.ndim)

    def size(self, mesh_dim: int | None = None) -> int:
        """How many processes there are, or how many a side has."""
        return int(self.mesh.numel()) if mesh_dim is None else self.shape[mesh_dim]

    def get_rank(self) -> int:
        """The number of this process in the world."""
        return get_rank()

    def _side(self, mesh_dim: Any) -> int:
        if mesh_dim is None:
            if self.ndim > 1:
                raise RuntimeError(
                    f"Found the DeviceMesh have {self.ndim} dimensions. Optional kwarg `mesh_dim` needs to be "
                    "specified when device_mesh.ndim > 1."
                )
            return 0
        if not isinstance(mesh_dim, str):
            return int(mesh_dim)
        if mesh_dim not in (self.mesh_dim_names or ()):
            raise KeyError(
                f"Invalid mesh_dim_name {mesh_dim!r} specified: the mesh has {self.mesh_dim_names}"
            )
        return (self.mesh_dim_names or ()).index(mesh_dim)

    def get_local_rank(self, mesh_dim: Any = None) -> int:
        """The number of this process along a side."""
        return get_rank(self.get_group(mesh_dim))

    def get_coordinate(self) -> tuple[int, ...] | None:
        """Where this process is, if it is in the grid."""
        return self._coordinate

    def get_group(self, mesh_dim: Any = None) -> ProcessGroup:
        """The processes along a side."""
        return self._groups[self._side(mesh_dim)]

    def get_all_groups(self) -> list[ProcessGroup]:
        """The processes along each side."""
        return list(self._groups)

    def __getitem__(self, names: Any) -> DeviceMesh:
        names = (names,) if isinstance(names, str) else tuple(names)
        sides = [self._side(name) for name in names]
        place = self._coordinate or (0,) * self.ndim
        index = tuple(slice(None) if side in sides else place[side] for side in range(self.ndim))
        part = np.asarray(self.mesh.tolist(), np.int32)[index]
        part = part.transpose([sorted(sides).index(side) for side in sides])
        groups = [self._groups[side] for side in sides]
        return DeviceMesh(self.device_type, part, mesh_dim_names=names, _groups=groups)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, DeviceMesh) and self._facts() == other._facts()

    def __hash__(self) -> int:
        return hash(self._facts())

    def _facts(self) -> tuple[Any, ...]:
        return (
            self.device_type,
            self.shape,
            tuple(self.mesh.flatten().tolist()),
            self.mesh_dim_names,
        )

    def __reduce__(self) -> tuple[Any, ...]:
        return _mesh, (self.device_type, self.mesh.tolist(), self.mesh_dim_names)

    def __deepcopy__(self, memo: Any) -> DeviceMesh:
        return self

    def __repr__(self) -> str:
        names = self.mesh_dim_names
        sides = [f"{names[i]}={n}" if names else str(n) for i, n in enumerate(self.shape)]
        inner = f"({', '.join(sides)})" if names or len(sides) > 1 else f"({sides[0]},)"
        steps = [str(int(np.prod(self.shape[i + 1 :]))) for i in range(self.ndim)]
        steps = ["()" if n == 1 else step for n, step in zip(self.shape, steps, strict=True)]
        strides = f"({', '.join(steps)}{',' if self.ndim == 1 else ''})"
        return f"DeviceMesh({inner}, {self.device_type!r}, stride={strides})"


def _mesh(device_type: str, ranks: Any, names: Any) -> DeviceMesh:
    """The mesh that a file names."""
    return DeviceMesh(device_type, ranks, mesh_dim_names=names)


def init_device_mesh(
    device_type: str, mesh_shape: tuple[int, ...], *, mesh_dim_names: Any = None, **options: Any
) -> DeviceMesh:
    """A grid of that shape; makes the world if there is none."""
    if mesh_dim_names is not None and len(mesh_dim_names) != len(mesh_shape):
        raise RuntimeError(
            f"mesh_shape and mesh_dim_names should have same length! Found len(mesh_dim_names): "
            f"{len(mesh_dim_names)} and len(mesh_shape):{len(mesh_shape)}."
        )
    ranks = np.arange(int(np.prod(mesh_shape)), dtype=np.int32).reshape(mesh_shape)
    return DeviceMesh(device_type, ranks, mesh_dim_names=mesh_dim_names)
