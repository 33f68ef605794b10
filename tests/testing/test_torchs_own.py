"""What the tests of libraries take from torch's own: `torch.testing._internal`."""

from tests.parity import parity


def test_copies_of_parametrized_tests():
    parity("""
        import io, unittest
        from torch.testing._internal.common_utils import TestCase, instantiate_parametrized_tests, parametrize, subtest

        class A(TestCase):
            @parametrize("x", [1, 2.5, -3, True, None, "a b", torch.float32, len, TestCase, (1, 2), "relu.x"])
            def test_one(self, x): pass
            @parametrize("x,y", [
                (1, "a"), subtest((2, "b"), name="zz"), subtest((3, "c"), decorators=[unittest.expectedFailure])
            ])
            def test_two(self, x, y): self.assertLess(x, 3)
            @parametrize("x", [1, 2])
            @parametrize("y", [3, 4])
            def test_three(self, x, y): self.assertLess(x, y)
            @parametrize("m", [nn.ReLU, torch.tanh], name_fn=lambda m: m.__name__.lower())
            def test_named(self, m): pass
            @parametrize("x", [1])
            @unittest.skip("no")
            def test_skipped(self, x): pass
            def test_seed(self): print(torch.rand(1).item())

        instantiate_parametrized_tests(A)
        names = sorted(n for n in dir(A) if n.startswith("test_"))
        _tests = unittest.defaultTestLoader.loadTestsFromTestCase(A)
        _result = unittest.TextTestRunner(stream=io.StringIO()).run(_tests)
        counts = _result.testsRun, len(_result.failures), len(_result.errors), len(_result.expectedFailures)
        skipped = [why for test, why in _result.skipped]
    """)


def test_tests_of_devices():
    parity("""
        import io, unittest
        from torch.testing._internal.common_device_type import (
            dtypes, dtypesIfCPU, instantiate_device_type_tests, onlyCPU, onlyCUDA, precisionOverride, skipCPUIf,
            skipCUDAIf, tol, toleranceOverride,
        )
        from torch.testing._internal.common_dtype import floating_types_and
        from torch.testing._internal.common_utils import TestCase, parametrize, subtest

        class B(TestCase):
            @dtypes(torch.float32, torch.int64)
            def test_d(self, device, dtype): print(device, dtype, self.device_type, self.precision, self.rel_tol)
            def test_p(self, device): print(device, self.get_all_devices())
            @onlyCUDA
            def test_c(self, device): pass
            @onlyCPU
            @dtypes(*floating_types_and(torch.half))
            @parametrize("k", [1, 2])
            def test_k(self, device, dtype, k): pass
            @dtypesIfCPU(torch.float64)
            @dtypes(torch.float32)
            def test_i(self, device, dtype): print(dtype)
            @precisionOverride({torch.float32: 1e-1})
            @dtypes(torch.float32)
            def test_prec(self, device, dtype): self.assertEqual(1.0, 1.05)
            @toleranceOverride({torch.float32: tol(atol=1e-1, rtol=1e-2)})
            @dtypes(torch.float32)
            def test_tol(self, device, dtype): print(self.precision, self.rel_tol)
            @skipCUDAIf(True, "z")
            @skipCPUIf(True, "k")
            @dtypes((torch.float32, torch.int64))
            def test_tuple(self, device, dtypes): pass
            @dtypes(torch.float32)
            @parametrize("k", [subtest(1, name="one")])
            def test_pk(self, device, dtype, k): pass

        _scope = {"B": B}
        instantiate_device_type_tests(B, _scope, only_for=("cpu",))
        left = sorted(_scope)
        names = sorted(n for n in dir(_scope["BCPU"]) if n.startswith("test_") and n != "test_exclusions")
        _tests = unittest.defaultTestLoader.loadTestsFromTestCase(_scope["BCPU"])
        _result = unittest.TextTestRunner(stream=io.StringIO()).run(_tests)
        counts = _result.testsRun, len(_result.failures), len(_result.errors)
        skipped = [why for test, why in _result.skipped]
    """)


def test_what_is_equal():
    parity("""
        from torch.testing._internal.common_utils import (
            TestCase, freeze_rng_state, noncontiguous_like, set_default_dtype,
        )

        o, nan = torch.ones, float("nan")
        pairs = [
            (1, 1.0), (1, 1.0000001), (1, 2), (True, 1), (True, False), ("a", "a"), (o(2), [1.0, 1.0]),
            ([1.0, 1.0], o(2)), (o(2), [1.0, 2.0]), (o(1), 1), (1.0, o(1)), (o(2), 1), (o(2), o(2).double()),
            (o(2), np.ones(2, "f")), (np.ones(2), np.ones(2)), (None, None), (None, 1), ({1, 2}, {2, 1}), ({1}, {2}),
            ({"a": 1}, {"a": 2}), ({"a": 1}, {"b": 1}), ([1, 2], (1, 2)), ((1,), [1, 2]), (torch.int8, torch.int16),
            (int, int), (int, float), (nan, nan), (o(2) * nan, o(2) * nan), (o(2), o(3)), (torch.Size([1]), (1,)),
            (torch.device("cpu"), "cpu"), (o(2), o(2) + 1e-7), (o(2), o(2) + 1e-3), (o(2), None), (1 + 2j, 1 + 2j),
        ]
        _case = TestCase()

        def said(*args, **options):
            try:
                _case.assertEqual(*args, **options)
            except (AssertionError, ValueError) as error:
                return f"{type(error).__name__}: {error}"

        answers = [said(a, b) for a, b in pairs]
        more = [
            said(o(2), o(2).double(), exact_dtype=False), said(o(2), o(2) + 0.1, atol=0.2, rtol=0), said(1, 2, msg="m"),
            said(1, 2, msg=lambda text: "X" + text), said(1.0, 1.1, atol=1),
            said(o(2, 2).t(), o(2, 2), exact_stride=True),
            attempt(lambda: _case.assertNotEqual(o(2), o(2))), _case.assertNotEqual(o(2), o(2) + 1),
        ]
        with freeze_rng_state():
            a = torch.rand(1)
        b = torch.rand(1)
        with set_default_dtype(torch.float64):
            wide = torch.ones(1)
        spaced = noncontiguous_like(o(2, 3)).stride()
    """)
