"""torch-named operations, composed from primitives."""
