"""Processes in a grid, by names: here a grid in which every side is 1."""

from __future__ import annotations

from typing import Any

from rushlight import dtypes
from rushlight.distributed.groups import (
    ProcessGroup,
    _get_default_group,
    init_process_group,
    is_initialized,
)
from rushlight.distributed.store import HashStore
from rushlight.ops.creation import zeros

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
        self, device_type: str, mesh: Any, *, mesh_dim_names: Any = None, **options: Any
    ) -> None:
        self.device_type = device_type
        self.mesh = mesh if hasattr(mesh, "shape") else zeros(_shape(mesh), dtype=dtypes.int32)
        self.mesh_dim_names = None if mesh_dim_names is None else tuple(mesh_dim_names)
        if self.mesh.numel() != 1:
            raise RuntimeError(
                f"Mesh should not be bigger than default world size 1, but found {self.mesh.numel()} ranks!"
            )
        if not is_initialized():
            init_process_group("gloo", rank=0, world_size=1, store=HashStore())

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
        return 1

    def get_rank(self) -> int:
        """The number of this process in the world."""
        return 0

    def get_local_rank(self, mesh_dim: Any = None) -> int:
        """The number of this process along a side."""
        return 0

    def get_coordinate(self) -> tuple[int, ...]:
        """Where this process is."""
        return (0,) * self.ndim

    def get_group(self, mesh_dim: Any = None) -> ProcessGroup:
        """The processes along a side."""
        return _get_default_group()

    def get_all_groups(self) -> list[ProcessGroup]:
        """The processes along each side."""
        return [self.get_group()] * self.ndim

    def __getitem__(self, names: Any) -> DeviceMesh:
        names = (names,) if isinstance(names, str) else tuple(names)
        known = self.mesh_dim_names or ()
        for name in names:
            if name not in known:
                raise KeyError(f"Invalid mesh_dim_name {name!r} specified: the mesh has {known}")
        mesh = zeros((1,) * len(names), dtype=dtypes.int32)
        return DeviceMesh(self.device_type, mesh, mesh_dim_names=names)

    def __repr__(self) -> str:
        names = self.mesh_dim_names
        sides = [f"{names[i]}={n}" if names else str(n) for i, n in enumerate(self.shape)]
        inner = f"({', '.join(sides)})" if names or len(sides) > 1 else f"({sides[0]},)"
        strides = "(" + ", ".join(["()"] * self.ndim) + ("," if self.ndim == 1 else "") + ")"
        return f"DeviceMesh({inner}, {self.device_type!r}, stride={strides})"


def _shape(mesh: Any) -> tuple[int, ...]:
    return (len(mesh), *_shape(mesh[0])) if isinstance(mesh, list | tuple) else ()


def init_device_mesh(
    device_type: str, mesh_shape: tuple[int, ...], *, mesh_dim_names: Any = None, **options: Any
) -> DeviceMesh:
    """A grid of that shape; makes the world if there is none."""
    if mesh_dim_names is not None and len(mesh_dim_names) != len(mesh_shape):
        raise RuntimeError(
            f"mesh_shape and mesh_dim_names should have same length! Found len(mesh_dim_names): "
            f"{len(mesh_dim_names)} and len(mesh_shape):{len(mesh_shape)}."
        )
    return DeviceMesh(
        device_type, zeros(mesh_shape, dtype=dtypes.int32), mesh_dim_names=mesh_dim_names
    )
