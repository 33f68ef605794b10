"""Passes over the graph, each in a file that can be read alone."""
