"""The methods of Tensor: those listed in `tools/names.txt`, operators, constructors, attributes."""
