"""The structure of the package: no circle, few floors, few rooms, no towers."""

import ast

from .rooms import PACKAGE, circles, floors, imports, modules, rooms


def test_no_file_and_no_room_imports_itself_round_about():
    of_files = imports()
    assert circles(of_files) == []
    assert circles(rooms(of_files)) == []


def test_rooms_stand_on_few_floors():
    assert max(floors(rooms(imports())).values()) <= 11


def test_few_things_lie_at_the_top():
    found = [path.name for path in PACKAGE.iterdir() if path.name != "__pycache__"]
    assert len(found) <= 24, sorted(found)


def test_private_rooms_hold_only_a_docstring_at_their_door():
    for name, path in modules().items():
        room, _, leaf = name.rpartition(".")
        if leaf == "__init__" and room.startswith("_"):
            (docstring,) = ast.parse(path.read_text(encoding="utf-8")).body
            assert isinstance(docstring, ast.Expr), name


def test_no_class_is_cut_into_a_chain_of_base_classes():
    children, bases, used = {}, set(), set()
    for path in modules().values():
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ClassDef):
                for base in node.bases:
                    bases.add(base)
                    name = getattr(base, "id", getattr(base, "attr", ""))
                    children.setdefault(name, set()).add(node.name)
            elif isinstance(node, ast.Name) and node not in bases:
                used.add(node.id)
    defined = {name for names in children.values() for name in names} | used
    towers = {
        name: of
        for name, of in children.items()
        if len(of) == 1 and name in defined and name not in used
    }
    assert towers == {}
