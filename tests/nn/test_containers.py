"""Sequential, ModuleList, ModuleDict, ParameterList, ParameterDict."""

from tests.parity import parity


def test_sequential() -> None:
    parity(
        """
        from collections import OrderedDict
        s = nn.Sequential(nn.ReLU(), nn.Tanh())
        named = nn.Sequential(OrderedDict(first=nn.ReLU(), last=nn.Identity()))
        by_name = repr(named.first)
        picked = [repr(s[0]), repr(s[-1]), repr(s[0:1]), repr(named[1:]), len(s), repr(list(s))]
        texts = [repr(s + s), repr(s * 2), repr(2 * s)]
        same = s.append(nn.ReLU()) is s
        s.insert(0, nn.ELU())
        s.insert(-1, nn.SELU())
        s.extend([nn.GELU()])
        popped = repr(s.pop(0)), repr(s.pop(-1))
        s[0] = nn.Softplus()
        del s[1]
        after = repr(s), list(s._modules)
        del s[0:1]
        s += nn.Sequential(nn.Mish())
        s *= 2
        end = repr(s)
        value = nn.Sequential(nn.Identity(), nn.Flatten(0))(torch.ones(2, 2))
        empty = nn.Sequential()(3), repr(nn.Sequential())
        errors = [
            attempt(lambda: s[9]), attempt(lambda: s["0"]), attempt(lambda: s[1.5]),
            attempt(lambda: s + [nn.ReLU()]), attempt(lambda: s * 0), attempt(lambda: s * "a"),
            attempt(lambda: s.insert(9, nn.ReLU())), attempt(lambda: s.insert(0, 3)),
            attempt(lambda: s.append(3)), attempt(lambda: nn.Sequential(3)),
            attempt(lambda: nn.Sequential({"a": nn.ReLU()})), attempt(lambda: s.extend(3)),
            attempt(lambda: s.nothing),
        ]
        """
    )


def test_module_list() -> None:
    parity(
        """
        l = nn.ModuleList([nn.Linear(2, 2) for _ in range(3)] + [nn.ReLU()] * 2 + [nn.Linear(2, 2)])
        texts = [repr(l), repr(l[1:]), repr(l[-1]), repr(l + l[:1]), repr(nn.ModuleList())]
        nested = repr(nn.ModuleList([nn.Sequential(nn.Linear(1, 1), nn.ReLU()) for _ in range(2)]))
        keys = list(l.state_dict())
        l.append(nn.ELU()).extend([nn.GELU(), nn.GELU()])
        l.insert(1, nn.SELU())
        del l[-1]
        del l[0:2]
        l[0] = nn.Tanh()
        l += [nn.Mish()]
        popped = repr(l.pop(1)), repr(l.pop(-1))
        after = repr(l), len(l), list(l._modules), [n for n in dir(l) if n.isdigit()]
        contains = l[0] in l, nn.ReLU() in l
        errors = [
            attempt(lambda: l[70]), attempt(lambda: l[-70]), attempt(lambda: l[1.5]),
            attempt(lambda: l(3)), attempt(lambda: l.append(3)), attempt(lambda: l.extend(3)),
            attempt(lambda: nn.ModuleList(3)), attempt(lambda: nn.ModuleList({"a": 1})),
        ]
        """
    )


def test_module_dict() -> None:
    parity(
        """
        from collections import OrderedDict
        d = nn.ModuleDict({"b": nn.ReLU(), "a": nn.Linear(1, 1)})
        texts = [repr(d), repr(d["a"]), list(d), len(d), "a" in d, "z" in d]
        listed = list(d.keys()), repr(list(d.values())), [k for k, _ in d.items()]
        d.update([("q", nn.ReLU())])
        d.update({"z": nn.Tanh(), "c": nn.ELU()})
        d.update(nn.ModuleDict({"t": nn.ReLU()}))
        d["new"] = nn.Identity()
        del d["b"]
        popped = repr(d.pop("a"))
        after = repr(d)
        d.clear()
        empty = len(d), repr(d), repr(nn.ModuleDict([["x", nn.ReLU()]]))
        errors = [
            attempt(lambda: d["z"]), attempt(lambda: d.update(3)), attempt(lambda: d.update([3])),
            attempt(lambda: d.update([(1, 2, 3)])), attempt(lambda: d.update({3: nn.ReLU()})),
            attempt(lambda: d.update({"w": 3})), attempt(lambda: d(1)),
        ]
        """
    )


def test_parameter_list() -> None:
    parity(
        """
        p = nn.ParameterList([torch.ones(2), nn.Parameter(torch.ones(3, 2)), 5, "abc"])
        texts = [repr(p), repr(p[1:]), repr(nn.ParameterList()), len(p)]
        first, number, piece = p[0], p[2], p[-1]
        p.append(torch.zeros(1)).extend([1, torch.ones(())])
        p += [torch.full((2,), 3.0)]
        p[0] = torch.zeros(3)
        after = repr(p), list(p.state_dict()), len(list(p.parameters()))
        kinds = [isinstance(v, nn.Parameter) for v in p]
        one = repr(nn.ParameterList([torch.ones(2)]))
        frozen = nn.ParameterList([nn.Parameter(torch.ones(1), requires_grad=False)])[0]
        errors = [
            attempt(lambda: p[9]), attempt(lambda: p(3)), attempt(lambda: p.extend(3)),
            attempt(lambda: p.extend(torch.ones(1))),
        ]
        """
    )


def test_parameter_dict() -> None:
    parity(
        """
        from collections import OrderedDict
        d = nn.ParameterDict({"b": torch.ones(2), "a": nn.Parameter(torch.ones(1)), "c": 3})
        texts = [repr(d), list(d.keys()), len(d), "a" in d, list(reversed(d))]
        ordered = list(nn.ParameterDict(OrderedDict(b=torch.ones(1), a=torch.ones(1))))
        got = d.get("z", 1), d.get("c"), d["a"]
        popped = d.pop("a"), d.popitem()
        default = d.setdefault("n", torch.ones(1)), d.setdefault("n", 5)
        d.update({"y": torch.ones(1), "x": torch.ones(2, 2)})
        d.update([("k", torch.zeros(1))])
        both = repr(d | nn.ParameterDict({"w": torch.ones(1)}))
        twin = d.copy()
        shared = twin["y"] is d["y"]
        keys = [k for k, _ in d.items()], len(list(d.values())), repr(d.fromkeys(["k1", "k2"]))
        names = [name for name, _ in d.named_parameters()]
        del d["y"]
        d |= nn.ParameterDict({"v": torch.ones(1)})
        after = repr(d)
        d.clear()
        empty = repr(d), len(d)
        one = repr(nn.ParameterDict({"a": torch.ones(1)}))
        errors = [
            attempt(lambda: d["z"]), attempt(lambda: d(3)), attempt(lambda: d.update(3)),
            attempt(lambda: d.update([3])), attempt(lambda: nn.ParameterDict({3: torch.ones(1)})),
            attempt(lambda: nn.ParameterDict({"a.b": torch.ones(1)})),
        ]
        """
    )


def test_flatten_and_unflatten() -> None:
    parity(
        """
        x = torch.arange(24.0).reshape(2, 3, 4)
        flat = nn.Flatten()(x), nn.Flatten(0)(x), nn.Flatten(0, 1)(x)
        back = nn.Unflatten(1, (2, 6))(nn.Flatten()(x)), nn.Unflatten(-1, torch.Size([2, 2]))(x)
        texts = repr(nn.Flatten(0, 1)), repr(nn.Unflatten(1, (2, 6)))
        errors = [
            attempt(lambda: nn.Unflatten(1, 3)), attempt(lambda: nn.Unflatten(1, (2, "a"))),
            attempt(lambda: nn.Unflatten(1, (2, 2))(x)),
        ]
        """
    )


def test_names_in_containers_that_are_taken() -> None:
    parity("""
        from collections import OrderedDict

        kept = nn.ParameterDict({"a": 3, "b": nn.ReLU()})
        kept["a"] = torch.ones(1)
        kept["b"] = torch.zeros(2)
        joined = {"c": 1, "a": 2} | kept
        kept |= nn.ParameterDict({"a": torch.zeros(1)})
        refused = attempt(lambda: kept.__setitem__("a", 4))
        names, values = list(kept.keys()), list(kept.values())
        whole = attempt(lambda: nn.Sequential(OrderedDict([(1, nn.ReLU())])))
    """)
