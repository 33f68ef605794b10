"""Processes in a grid, by names."""

from __future__ import annotations

import os
from typing import Any

import numpy as np

from rushlight import dtypes
from rushlight.distributed.groups import (
    ProcessGroup,
    _get_default_group,
    get_process_group_ranks,
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
        self, device_type: str, mesh: Any, *, mesh_dim_names: Any = None, _groups: Any = None, _root: Any = None,
        **options: Any,
    ) -> None:  # fmt: skip
        self.device_type = device_type
        # The grid that this is a part of; and of one that is no part, grids of several sides as one, by their names.
        self._root: DeviceMesh = self if _root is None else _root
        self._flat: dict[str, tuple[DeviceMesh, tuple[int, ...]]] = {}
        ranks = np.asarray(_listed(mesh), np.int32)
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
        if len(where) > 1:
            raise AssertionError(f"rank_coords.size(0) must be 0 or 1, got {len(where)}")
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
        if self.mesh_dim_names is None:
            raise RuntimeError("Cannot slice a DeviceMesh without mesh_dim_names!")
        names = (names,) if isinstance(names, str) else tuple(names)
        flat = self._flat
        joined = [flat[n][1] if n in flat else (self._side(n),) for n in names]
        sides = [side for several in joined for side in several]
        place = self._coordinate or (0,) * self.ndim
        index = tuple(slice(None) if side in sides else place[side] for side in range(self.ndim))
        part = np.asarray(self.mesh.tolist(), np.int32)[index]
        part = part.transpose([sorted(sides).index(side) for side in sides])
        part = part.reshape([int(np.prod([self.shape[s] for s in several])) for several in joined])
        groups = [
            flat[n][0].get_group() if n in flat else self._groups[several[0]]
            for n, several in zip(names, joined, strict=True)
        ]
        return DeviceMesh(
            self.device_type, part, mesh_dim_names=names, _groups=groups, _root=self._root
        )

    def _flatten(
        self, mesh_dim_name: str | None = None, backend_override: Any = None
    ) -> DeviceMesh:
        """The same processes on one side; the whole grid knows it by that name, too."""
        if self.mesh_dim_names is None:
            raise RuntimeError("Cannot flatten a DeviceMesh without mesh_dim_names!")
        name, root = mesh_dim_name or "_".join(self.mesh_dim_names), self._root
        if name in root._flat:
            return root._flat[name][0]
        sides = tuple(root._side(n) for n in self.mesh_dim_names)
        rest = [s for s in range(root.ndim) if s not in sides]
        ranks = np.asarray(root.mesh.tolist(), np.int32)
        lines = ranks.transpose([*rest, *sides]).reshape(-1, self.size()).tolist()
        groups = [new_group(line) for line in lines]
        mine = next((n for n, line in enumerate(lines) if get_rank() in line), 0)
        made = DeviceMesh(
            self.device_type,
            lines[mine],
            mesh_dim_names=(name,),
            _groups=[groups[mine]],
            _root=root,
        )
        root._flat[name] = made, sides
        return made

    def _unflatten(
        self, dim: int | str, mesh_sizes: Any, mesh_dim_names: Any, backend_override: Any = None
    ) -> DeviceMesh:
        """A side as several."""
        side = self._side(dim)
        shape = (*self.shape[:side], *mesh_sizes, *self.shape[side + 1 :])
        names = self.mesh_dim_names or ()
        named = (*names[:side], *mesh_dim_names, *names[side + 1 :])
        ranks = np.asarray(self.mesh.tolist(), np.int32).reshape(shape)
        return DeviceMesh(self.device_type, ranks, mesh_dim_names=named)

    @staticmethod
    def from_group(
        group: Any, device_type: str, mesh: Any = None, *, mesh_dim_names: Any = None
    ) -> DeviceMesh:
        """A grid of processes that are a group already, or of a group for each side."""
        groups = list(group) if isinstance(group, list | tuple) else [group]
        if not groups:
            raise ValueError("Expects at least one ProcessGroup to be passed")
        if not isinstance(group, list | tuple):
            ranks = get_process_group_ranks(group)
            given = None if mesh is None else np.asarray(_listed(mesh)).tolist()
            if given is not None and given != ranks:
                raise ValueError(f"Invalid mesh {given} for ProcessGroup with ranks {ranks}")
        elif mesh is None:
            raise ValueError("Must pass mesh if passing multiple ProcessGroups")
        else:
            ranks = _listed(mesh)
            if np.asarray(ranks).ndim != len(groups):
                raise ValueError("Expects mesh with ndim equal to number of ProcessGroups")
        return DeviceMesh(device_type, ranks, mesh_dim_names=mesh_dim_names, _groups=groups)

    def _get_root_mesh(self) -> DeviceMesh:
        """The grid that this is a part of."""
        return self._root

    def _get_mesh_dim_by_name(self, mesh_dim_name: str) -> int:
        return self._side(mesh_dim_name)

    def _is_current_rank_part_of_mesh(self) -> bool:
        return self._coordinate is not None

    def __enter__(self) -> DeviceMesh:
        _active.append(self)
        return self

    def __exit__(self, *exception: object) -> None:
        _active.pop()

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


# Those whose blocks are open, and the last is meant where none is given.
_active: list[DeviceMesh] = []


def _listed(mesh: Any) -> Any:
    return mesh.tolist() if hasattr(mesh, "tolist") else mesh


def current_mesh() -> DeviceMesh:
    """The mesh of the innermost block."""
    if not _active:
        raise RuntimeError("No device mesh is currently active!")
    return _active[-1]


def world_mesh() -> DeviceMesh:
    """All processes on one side, if no block says otherwise."""
    return _active[-1] if _active else init_device_mesh("cpu", (get_world_size(),))


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
    if mesh_dim_names is not None and len(set(mesh_dim_names)) < len(mesh_dim_names):
        raise RuntimeError(
            f"Each mesh_dim_name must be unique. Found repeated mesh_dim_name in mesh_dim_names {mesh_dim_names}"
        )
    if not device_type.isalpha():
        raise RuntimeError(
            f"Device type with index is not supported but got {device_type}. "
            "If you maintained a 'torch.device' object, it's recommended to pass in 'device.type'."
        )
    ranks = np.arange(int(np.prod(mesh_shape)), dtype=np.int32).reshape(mesh_shape)
    return DeviceMesh(device_type, ranks, mesh_dim_names=mesh_dim_names)
