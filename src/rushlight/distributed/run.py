"""`python -m torch.distributed.run`, which is `torchrun`: a script in several processes of this machine."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence

from rushlight.distributed.launcher.agent import Plan, launch
from rushlight.threads import processors

# Of several machines, or of how torch's agents watch and find each other: taken, and of no effect here.
_WITHOUT_EFFECT = (
    "rdzv-backend", "rdzv-conf", "rdzv-endpoint", "monitor-interval", "start-method", "log-dir", "redirects", "tee",
    "local-ranks-filter", "local-addr", "logs-specs", "numa-binding", "signals-to-handle", "event-log-handler",
    "duplicate-stdout-filters", "duplicate-stderr-filters", "shutdown-timeout",
)  # fmt: skip


def determine_local_world_size(nproc_per_node: str) -> int:
    """How many processes are meant by a number, "auto" or "cpu"."""
    if nproc_per_node.isdigit() and int(nproc_per_node) > 0:
        return int(nproc_per_node)
    if nproc_per_node in ("auto", "cpu"):
        return processors()
    if nproc_per_node == "gpu":
        raise ValueError("Cuda is not available.")
    raise ValueError(f"Unsupported nproc_per_node value: {nproc_per_node}")


def get_args_parser() -> argparse.ArgumentParser:
    """Its command line."""
    parser = argparse.ArgumentParser(
        prog="torchrun",
        description="Runs a script in several processes of this machine.",
        allow_abbrev=False,
    )

    def option(name: str, **how: object) -> None:
        parser.add_argument(f"--{name}", f"--{name.replace('-', '_')}", **how)  # type: ignore[arg-type]

    option("nnodes", default="1", help="machines: 1; several are started by mpirun or srun")
    option(
        "nproc-per-node", default="1", help="processes, a number or auto (one for each processor)"
    )
    option(
        "max-restarts", type=int, default=0, help="how often all are started again when one fails"
    )
    option("master-addr", default="localhost", help="MASTER_ADDR for the processes")
    option(
        "master-port",
        type=int,
        default=0,
        help="MASTER_PORT for the processes (default: one that is free)",
    )
    option("node-rank", type=int, default=0, help="the number of this machine: 0")
    option("role", default="default", help="ROLE_NAME for the processes")
    option("rdzv-id", default="", help="TORCHELASTIC_RUN_ID for the processes")
    parser.add_argument("--standalone", action="store_true", help="one machine, which is always so")
    parser.add_argument(
        "-m", "--module", action="store_true", help="the script is the name of a module"
    )
    parser.add_argument(
        "--no-python", "--no_python", action="store_true", help="the script is a program"
    )
    parser.add_argument("--run-path", "--run_path", action="store_true", help="accepted")
    for name in _WITHOUT_EFFECT:
        short = {"redirects": ["-r"], "tee": ["-t"]}.get(name, [])
        names = dict.fromkeys((*short, f"--{name}", f"--{name.replace('-', '_')}"))
        parser.add_argument(*names, default="", help="of no effect here")
    parser.add_argument("training_script", help="the script, with its own arguments")
    parser.add_argument("training_script_args", nargs=argparse.REMAINDER)
    return parser


def parse_args(args: Sequence[str] | None) -> argparse.Namespace:
    """The options of a command line."""
    return get_args_parser().parse_args(args)


def run(args: argparse.Namespace) -> None:
    """Start what the options say; SystemExit where a process fails."""
    if args.nnodes not in ("1", "1:1"):
        print("torchrun: this starts processes on one machine; those of several are started by mpirun or srun",
              file=sys.stderr)  # fmt: skip
        raise SystemExit(2)
    how = ["-m", "rushlight", "run", *(["-m"] if args.module else [])]
    command = [] if args.no_python else [sys.executable, *how]
    plan = Plan(
        [*command, args.training_script, *args.training_script_args],
        determine_local_world_size(args.nproc_per_node),
        args.max_restarts, args.master_addr, args.master_port, args.role, args.rdzv_id, name="torchrun",
    )  # fmt: skip
    if launch(plan):
        raise SystemExit(1)  # whatever the process's own was, as torchrun


def main(args: Sequence[str] | None = None) -> None:
    """Run a command line."""
    run(parse_args(args))


if __name__ == "__main__":
    os.environ.pop("RANK", None)
    main()
