"""What torch's own tests stand on, as far as the tests of libraries take it from here.

The databases of operators (`op_db`, `module_db`) are not among it: `tests/conformance` asks torch's own.
"""
