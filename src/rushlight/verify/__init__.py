"""`rushlight verify`: the same program under rushlight and under torch, side by side.

`recorder.py` runs the program in a process of its own, whatever `torch` means there, and writes down what
every backward and step gives; `records` reads that, `comparing` says how far two runs agree, and `rerun`
at which operation they part.
"""
