"""Leave out what nobody reads: what a row gives besides, a gradient that is no result."""

from __future__ import annotations

from rushlight.compiler.graph import Graph, Guard, Number, Outside, Statement


def drop_dead(graph: Graph) -> None:
    """Keep what stops the program, what writes into memory that stays, and what these read."""
    read = {id(graph.places[index].memory) for index in graph.wanted if index in graph.places}
    kept: list[Statement] = []
    for statement in reversed(graph.statements):
        written = [place.memory for place in statement.writes()]
        stays = isinstance(statement, Guard | Number | Outside)
        if stays or any(m.kind != "own" or id(m) in read for m in written):
            read |= {id(place.memory) for place in statement.reads()}
            kept.append(statement)
    graph.statements = kept[::-1]
