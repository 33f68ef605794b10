"""Generators of C for the heavy parts of a program: each a function from shapes and a target to text."""
