"""The structure of the package, read from its imports: rooms, floors, circles.

``python tests/rooms.py`` prints them. A room is a folder or a file at the top of the
package; an arrow is an import, also one inside a function; a room stands one floor
above the highest room that it imports from.
"""

import ast
import functools
from collections import defaultdict
from pathlib import Path

PACKAGE = Path(__file__).parent.parent / "xent_metrics"
FACE = "__init__"  # it knows everybody, and nobody imports it but by public names


def modules(package=PACKAGE):
    """The files of a package, by dotted name within it."""
    found = {}
    for path in sorted(package.rglob("*.py")):
        parts = path.relative_to(package).with_suffix("").parts
        found[".".join(parts)] = path
    return found


@functools.cache
def imports(package=PACKAGE):
    """The modules that each module imports from."""
    files = modules(package)
    arrows = defaultdict(set)
    for name, path in files.items():
        here = name.split(".")[:-1]
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.ImportFrom) or not node.level:
                continue
            base = here[: len(here) - node.level + 1]
            base += node.module.split(".") if node.module else []
            for alias in node.names:
                named = ".".join([*base, alias.name])
                within = ".".join(base)
                places = [named, f"{named}.{FACE}", within, ".".join([*base, FACE])]
                target = next(place for place in places if place in files)
                if target != name:
                    arrows[name].add(target)
    return {name: arrows[name] for name in files}


def room_of(module):
    """The folder or file at the top of the package that a module is in."""
    return module.partition(".")[0]


def rooms(arrows):
    """The rooms that each room imports from."""
    found = {room_of(module): set() for module in arrows}
    for module, targets in arrows.items():
        found[room_of(module)] |= {room_of(target) for target in targets}
    return {room: targets - {room} for room, targets in found.items()}


def circles(arrows):
    """Sets of nodes that import each other, round about (Tarjan, 1972)."""
    index, low, stack, found = {}, {}, [], []

    def visit(node):
        index[node] = low[node] = len(index)
        stack.append(node)
        for target in arrows[node]:
            if target not in index:
                visit(target)
                low[node] = min(low[node], low[target])
            elif target in stack:
                low[node] = min(low[node], index[target])
        if low[node] == index[node]:
            place = stack.index(node)
            circle = stack[place:]
            del stack[place:]
            if len(circle) > 1:
                found.append(sorted(circle))

    for node in arrows:
        if node not in index:
            visit(node)
    return found


def floors(arrows):
    """The floor of each node; 1 imports nothing. There must be no circle."""
    known = {}

    def floor(node):
        if node not in known:
            known[node] = 1 + max(map(floor, arrows[node]), default=0)
        return known[node]

    return {node: floor(node) for node in arrows}


def main():
    of_files = imports()
    of_rooms = rooms(of_files)
    n_arrows = sum(len(targets) for targets in of_files.values())
    n_edges = sum(len(targets) for targets in of_rooms.values())
    print(f"{len(of_files)} files, {n_arrows} imports among them")
    print(f"{len(of_rooms)} rooms, {n_edges} imports among them")
    for what, arrows in (("files", of_files), ("rooms", of_rooms)):
        for circle in circles(arrows):
            print(f"a circle of {len(circle)} {what}: {', '.join(circle)}")
    if circles(of_rooms):
        return
    level = floors(of_rooms)
    for number in range(max(level.values()), 0, -1):
        here = sorted(room for room in level if level[room] == number)
        print(f"floor {number}: {', '.join(here)}")


if __name__ == "__main__":
    main()
