# mypy: ignore-errors
"""Runs a program as `__main__` and writes down its backwards and steps: a script of its own.

It asks `torch`, whichever that is, by public names alone, and imports nothing of rushlight: one process runs it
under rushlight, another under torch.

Types are not checked here: which `torch` it is that is imported is known when it runs.

recorder.py {"out": FILE, "seed": N, "steps": N, "detail": N or null, "module": bool} SCRIPT [arguments]
"""

import json
import os
import random
import runpy
import struct
import sys
import traceback
import weakref

# What of this folder could be imported by mistake.
sys.path[:] = [
    p for p in sys.path if os.path.abspath(p) != os.path.dirname(os.path.abspath(__file__))
]

import numpy as np  # noqa: E402
import torch  # noqa: E402

MOST = 1_000_000


class Enough(BaseException):
    """As many steps were made as were asked for."""


def array_of(tensor):
    """The values of a tensor, in a type that NumPy has; of very many, some."""
    tensor = tensor.detach()
    if tensor.is_sparse:
        tensor = tensor.to_dense()
    if tensor.is_complex():
        tensor = torch.view_as_real(tensor.resolve_conj())
    if tensor.dtype in (torch.bfloat16, torch.float16):
        tensor = tensor.float()
    array = tensor.cpu().numpy()
    if array.size > MOST:
        array = array.reshape(-1)[:: -(-array.size // MOST)]
    return np.ascontiguousarray(array)


def place():
    """The program's line that is running."""
    frame = sys._getframe(1)
    folder = os.path.dirname(os.path.dirname(os.path.abspath(torch.__file__ or "")))
    while frame is not None:
        name = frame.f_code.co_filename
        inner = name.startswith(folder + os.sep) or name == __file__ or "site-packages" in name
        if os.path.isabs(name) and not inner and "importlib" not in name:
            return f"{name}:{frame.f_lineno}"
        frame = frame.f_back
    return ""


class NotUnderTorch(BaseException):
    """The program imports rushlight itself, so that both runs would be the same."""


class Refusing:
    """A finder of modules, in the run under torch, that meets who asks for rushlight."""

    def find_spec(self, name, path=None, target=None):
        """Nothing is found here."""
        if name.partition(".")[0] == "rushlight":
            raise NotUnderTorch(place())


class Recorder:
    """Writes down events: a header in JSON, and the bytes of its arrays."""

    def __init__(self, options):
        self.file = open(options["out"], "wb")  # noqa: SIM115
        self.options = options
        self.events = self.steps = self.backwards = 0
        self.inside = False
        self.names = {}
        # How many tensors had a name, one after the other.
        self.counts = {}
        self.calls = []

    def write(self, kind, arrays=(), **facts):
        """One event."""
        found = [(name, array_of(t) if isinstance(t, torch.Tensor) else t) for name, t in arrays]
        facts |= {
            "kind": kind,
            "arrays": [[name, a.dtype.str, list(a.shape)] for name, a in found],
        }
        head = json.dumps(facts).encode()
        self.file.write(struct.pack("<q", len(head)) + head)
        for _, a in found:
            self.file.write(a.tobytes())
        self.file.flush()

    def event(self, kind, arrays, **facts):
        """An event that is counted: a backward, gradients asked for, or a step."""
        self.events += 1
        self.inside, before = True, self.inside
        with torch.no_grad():
            self.write(kind, arrays, number=self.events, place=place(), **facts)
        self.inside = before
        detail = self.options["detail"]
        if detail is not None and self.events >= detail:
            self.write_calls()
            raise Enough
        if kind == "step":
            self.steps += 1
        elif kind == "backward":
            self.backwards += 1
        if max(self.steps, self.backwards) >= self.options["steps"] and (
            self.steps >= self.options["steps"]
            or self.backwards > self.steps + self.options["steps"]
        ):
            raise Enough

    # ---- names ----------------------------------------------------------------------------------

    def name(self, tensor):
        """What a parameter is called: by the module that holds it, else by its number."""
        known = self.names.get(id(tensor))
        if known is not None and known[0]() is tensor:
            return known[1]
        self.look_around()
        known = self.names.get(id(tensor))
        if known is None or known[0]() is not tensor:
            self.keep(tensor, "leaf")
        return self.names[id(tensor)][1]

    def look_around(self):
        """Take the names under which running functions hold modules and tensors."""
        frame = sys._getframe(1)
        while frame is not None:
            if frame.f_code.co_filename != __file__:
                for name, value in [*frame.f_locals.items(), *frame.f_globals.items()]:
                    if isinstance(value, torch.nn.Module):
                        prefix = "" if name == "self" else name
                        for path, p in value.named_parameters(prefix=prefix):
                            self.keep(p, path)
                    elif isinstance(value, torch.Tensor) and value.requires_grad and value.is_leaf:
                        self.keep(value, name)
            if frame.f_code.co_name == "<module>":
                break
            frame = frame.f_back

    def keep(self, tensor, name):
        """A name, if there is none."""
        known = self.names.get(id(tensor))
        if known is None or known[0]() is not tensor:
            taken = self.counts[name] = self.counts.get(name, -1) + 1
            self.names[id(tensor)] = weakref.ref(tensor), f"{name} #{taken + 1}" if taken else name

    # ---- backward and steps ----------------------------------------------------------------------

    def backward(self, plain, roots_of):
        """A wrapper around a function that goes backward."""

        def backward(*args, **kwargs):
            if self.inside:
                return plain(*args, **kwargs)
            roots = roots_of(args, kwargs)
            leaves = leaves_of(roots)
            self.inside = True
            try:
                result = plain(*args, **kwargs)
            finally:
                self.inside = False
            arrays = [(f"loss {i}" if i else "loss", root) for i, root in enumerate(roots)]
            if not self.steps:
                arrays += [(f"value of {self.name(leaf)}", leaf) for leaf in leaves]
            arrays += [
                (f"gradient of {self.name(leaf)}", leaf.grad)
                for leaf in leaves
                if leaf.grad is not None
            ]
            self.event("backward", arrays)
            return result

        return backward

    def grad(self, plain):
        """A wrapper around `torch.autograd.grad`."""

        def grad(outputs, inputs, *args, **kwargs):
            result = plain(outputs, inputs, *args, **kwargs)
            if not self.inside:
                listed = [outputs] if isinstance(outputs, torch.Tensor) else list(outputs)
                asked = [inputs] if isinstance(inputs, torch.Tensor) else list(inputs)
                arrays = [(f"loss {i}" if i else "loss", t) for i, t in enumerate(listed)]
                for t, g in zip(asked, result):  # noqa: B905
                    if g is not None:
                        name = self.name(t) if t.is_leaf else f"a value of shape {list(t.shape)}"
                        arrays.append((f"gradient of {name}", g))
                self.event("gradients", arrays)
            return result

        return grad

    def stepped(self, optimizer, args, kwargs):
        """After a step of an optimizer."""
        params = [p for group in optimizer.param_groups for p in group["params"]]
        self.event(
            "step",
            [(f"value of {self.name(p)}", p) for p in params],
            optimizer=type(optimizer).__name__,
        )

    def install(self):
        """Put the wrappers in place."""
        torch.Tensor.backward = self.backward(torch.Tensor.backward, lambda args, kwargs: [args[0]])

        def listed(args, kwargs):
            roots = args[0] if args else kwargs["tensors"]
            return [roots] if isinstance(roots, torch.Tensor) else list(roots)

        torch.autograd.backward = self.backward(torch.autograd.backward, listed)
        torch.autograd.grad = self.grad(torch.autograd.grad)
        from torch.optim.optimizer import register_optimizer_step_post_hook

        register_optimizer_step_post_hook(self.stepped)

    # ---- each operation, in a run that is made again -------------------------------------------

    def record_calls(self):
        """Write down what every function of torch gives before the event that is asked for."""
        from torch.overrides import TorchFunctionMode

        recorder = self

        class Calls(TorchFunctionMode):
            def __torch_function__(self, function, types, args=(), kwargs=None):
                result = function(*args, **(kwargs or {}))
                if recorder.events == recorder.options["detail"] - 1 and not recorder.inside:
                    recorder.called(function, args, kwargs or {}, result)
                return result

        return Calls()

    def called(self, function, args, kwargs, result):
        """A function gave a tensor, or several."""
        outs = [t for t in flat(result) if isinstance(t, torch.Tensor) and t.is_floating_point()]
        name = getattr(function, "__name__", str(function)).strip("_")
        if not outs or name in ("get", "set", "detach", "data") or len(self.calls) >= 5000:
            return
        known = {id(t): i for i, call in enumerate(self.calls) for t in call["kept"]}
        given = [known[id(t)] for t in flat([*args, *kwargs.values()]) if id(t) in known]
        call = {
            "name": name.removeprefix("i") if name in ("iadd", "isub", "imul") else name,
            "place": place(),
            "inputs": given,
            "kept": outs,
            "outs": [array_of(t).copy() for t in outs],
            "grads": {},
        }
        self.calls.append(call)
        for i, t in enumerate(outs):
            if t.requires_grad:
                try:
                    t.register_hook(lambda g, i=i: call["grads"].__setitem__(i, array_of(g).copy()))
                except RuntimeError:
                    continue

    def write_calls(self):
        """The operations, with values and the gradients that came to them."""
        for call in self.calls:
            arrays = [(f"out {i}", a) for i, a in enumerate(call["outs"])]
            arrays += [(f"grad {i}", a) for i, a in call["grads"].items()]
            self.write(
                "call", arrays, name=call["name"], place=call["place"], inputs=call["inputs"]
            )


def flat(value):
    """The values in lists, tuples and dicts."""
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, (list, tuple)):
        return [one for part in value for one in flat(part)]
    return [value]


def leaves_of(roots):
    """The leaves behind roots, in the order of a walk through the graph."""
    found, seen = [], set()
    stack = [root.grad_fn for root in reversed(roots) if root.grad_fn is not None]
    found += [root for root in roots if root.grad_fn is None and root.requires_grad]
    while stack:
        node = stack.pop()
        if node in seen:
            continue
        seen.add(node)
        variable = getattr(node, "variable", None)
        if variable is not None and isinstance(variable, torch.Tensor) and not node.next_functions:
            found.append(variable)
        stack.extend(after for after, _ in reversed(node.next_functions) if after is not None)
    unique = {id(t): t for t in found}
    return list(unique.values())


def main():
    """Run the program that the command line names."""
    options = json.loads(sys.argv[1])
    script, arguments = sys.argv[2], sys.argv[3:]
    random.seed(options["seed"])
    np.random.seed(options["seed"] % 2**32)
    torch.manual_seed(options["seed"])
    recorder = Recorder(options)
    recorder.install()
    if "rushlight" not in sys.modules:
        sys.meta_path.insert(0, Refusing())
    sys.argv = [script, *arguments]
    mode = recorder.record_calls() if options["detail"] is not None else None
    ended, status = {}, 0
    try:
        if mode is not None:
            mode.__enter__()
        if options["module"]:
            sys.path.insert(0, os.getcwd())
            runpy.run_module(script, run_name="__main__", alter_sys=True)
        else:
            sys.path.insert(0, os.path.dirname(os.path.abspath(script)))
            runpy.run_path(os.path.abspath(script), run_name="__main__")
    except Enough:
        ended = {"enough": True}
    except NotUnderTorch as where:
        ended = {"imports": str(where)}
    except SystemExit as error:
        if error.code not in (None, 0):
            ended = {"error": f"SystemExit: {error.code}"}
    except BaseException as error:
        traceback.print_exc()
        lines = traceback.extract_tb(error.__traceback__)
        own = [line for line in lines if os.path.abspath(script) == os.path.abspath(line.filename)]
        where = f"{own[-1].filename}:{own[-1].lineno}" if own else ""
        text = " ".join(str(error).split())
        ended, status = {"error": f"{type(error).__name__}: {text}", "place": where}, 1
    recorder.write("end", done=True, **ended)
    recorder.file.close()
    sys.stdout.flush()
    sys.stderr.flush()
    # What the program left running, threads and workers, is of no interest.
    os._exit(status)


if __name__ == "__main__":
    main()
