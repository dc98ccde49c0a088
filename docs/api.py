"""Fills the references of api.md in: signatures, fields and docstrings, as the source has them.

A reference stands between `<!-- reference: MODULE:NAME -->` (or MODULE alone, for what the module
says of itself) and `<!-- end -->`; what is outside is written by hand. Nothing is imported.

python docs/api.py
"""

import ast
import inspect
import re
from collections.abc import Iterator
from pathlib import Path

FOLDER = Path(__file__).parent
PAGE = FOLDER / "api.md"
REFERENCE = re.compile(r"<!-- reference: (\S+) -->\n.*?<!-- end -->", re.DOTALL)

WIDTH = 100

Function = ast.FunctionDef | ast.AsyncFunctionDef


def page() -> str:
    """The page as it should be."""
    return REFERENCE.sub(lambda found: _reference(found[1]), PAGE.read_text())


def _reference(address: str) -> str:
    module, _, name = address.partition(":")
    source = (FOLDER.parent / module.replace(".", "/")).with_suffix(".py").read_text()
    tree = ast.parse(source)
    text = _definition(tree, name, source) if name else _doc(tree)
    return f"<!-- reference: {address} -->\n{text}\n<!-- end -->"


def _definition(tree: ast.Module, name: str, source: str) -> str:
    found = [node for node in tree.body if getattr(node, "name", None) == name]
    if not found:
        raise SystemExit(f"api.md must name what is there, but there is no {name}; correct it")
    node = found[0]
    heading = f"### {name}\n\n"
    if isinstance(node, ast.ClassDef):
        return heading + "\n\n".join(_class(node, source))
    assert isinstance(node, Function)
    return heading + "\n\n".join(_function(node, node.name))


def _class(node: ast.ClassDef, source: str) -> Iterator[str]:
    """How it is made, what it says of itself, its fields, and then its public methods."""
    fields = [item for item in node.body if isinstance(item, ast.AnnAssign)]
    methods = {item.name: item for item in node.body if isinstance(item, Function)}
    made = methods.get("__init__")
    if made is not None:
        yield _code(_call(node.name, made, ""))
    elif node.bases:
        yield _code(f"class {node.name}({', '.join(map(ast.unparse, node.bases))})")
    yield _doc(node)
    if made is not None and ast.get_docstring(made):
        yield _doc(made)
    if fields:
        yield _table(fields, source.splitlines())
    for name, method in methods.items():
        if not name.startswith(("_", "on_")):  # `on_…` are called by the Trainer alone
            yield from _function(method, f"{node.name}.{name}")


def _function(node: Function, name: str) -> Iterator[str]:
    returned = _type(node.returns)
    if {"property", "cached_property"} & set(map(ast.unparse, node.decorator_list)):
        yield _code(f"{name}: {returned}")
    else:
        yield _code(_call(name, node, f" -> {returned}"))
    if ast.get_docstring(node):
        yield _doc(node)


def _call(name: str, node: Function, returned: str) -> str:
    """The signature, on several lines where one would be too long."""
    parameters = list(_parameters(node.args))
    line = f"{name}({', '.join(parameters)}){returned}"
    if len(line) <= WIDTH:
        return line
    inner = "".join(f"    {parameter},\n" for parameter in parameters)
    return f"{name}(\n{inner}){returned}"


def _parameters(arguments: ast.arguments) -> Iterator[str]:
    """Each parameter as it is written, but for `self`."""
    positional = [*arguments.posonlyargs, *arguments.args]
    without_default = [None] * (len(positional) - len(arguments.defaults))
    pairs = zip(positional, [*without_default, *arguments.defaults], strict=True)
    yield from (_parameter(*pair) for pair in pairs if pair[0].arg != "self")
    if arguments.vararg:
        yield f"*{_parameter(arguments.vararg)}"
    elif arguments.kwonlyargs:
        yield "*"
    yield from map(_parameter, arguments.kwonlyargs, arguments.kw_defaults)
    if arguments.kwarg:
        yield f"**{_parameter(arguments.kwarg)}"


def _parameter(node: ast.arg, default: ast.expr | None = None) -> str:
    text = f"{node.arg}: {_type(node.annotation)}"
    return text if default is None else f"{text} = {ast.unparse(default)}".replace("'", '"')


def _type(node: ast.expr | None) -> str:
    """An annotation without the quotes that some need."""
    return str(node.value) if isinstance(node, ast.Constant) else ast.unparse(node or ast.Name("?"))


def _table(fields: list[ast.AnnAssign], lines: list[str]) -> str:
    """The fields of a class, with the comments beside them."""
    rows = ["| field | type | what it is |", "| --- | --- | --- |"]
    for item in fields:
        comment = lines[(item.end_lineno or item.lineno) - 1].partition("  # ")[2]
        kind = _type(item.annotation).replace("|", "\\|")
        rows.append(f"| `{ast.unparse(item.target)}` | `{kind}` | {comment or ' '} |")
    return "\n".join(rows)


def _code(text: str) -> str:
    # `py`, since a block that is marked as `python` is a snippet, which a test runs.
    return f"```py\n{text}\n```"


def _doc(node: ast.Module | ast.ClassDef | Function) -> str:
    return inspect.cleandoc(ast.get_docstring(node) or "")


if __name__ == "__main__":
    PAGE.write_text(page())
