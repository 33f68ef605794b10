"""Passes over graphs: what people do with them."""
