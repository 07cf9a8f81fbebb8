"""Measure the shape of the code: folders, floors, arrows and circles of imports, lines, functions.

Run it with ``python -m benchmarks.measure_house``. It reads the checkout as text and runs nothing.
"""

import ast
import statistics
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
AREAS = ("cxrlib", "ui", "pages", "tests", "benchmarks")
PRODUCT = ("cxrlib", "ui", "pages")


def list_files(area: str) -> list[Path]:
    """List the Python files of an area of the repository."""
    return sorted((ROOT / area).rglob("*.py"))


def find_module_name(path: Path) -> str:
    """Give the dotted name under which a file is imported."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def find_docstring_lines(tree: ast.AST) -> set[int]:
    """Find the lines that docstrings take."""
    kinds = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    lines: set[int] = set()
    for node in ast.walk(tree):
        if isinstance(node, kinds) and ast.get_docstring(node, clean=False) is not None:
            text = node.body[0]
            lines.update(range(text.lineno, (text.end_lineno or text.lineno) + 1))
    return lines


def count_lines(path: Path) -> int:
    """Count the lines of code of a file: not blank, no comment, no docstring."""
    source = path.read_text("utf-8")
    left_out = find_docstring_lines(ast.parse(source))
    lines = enumerate(source.splitlines(), start=1)
    return sum(
        bool(line.strip()) and not line.strip().startswith("#") and number not in left_out
        for number, line in lines
    )


def list_imports(path: Path, modules: set[str]) -> Iterator[str]:
    """List the project's own modules that a file imports, wherever in the file."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in modules)
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            for alias in node.names:
                inner = f"{node.module}.{alias.name}"
                if inner in modules:
                    yield inner
                elif node.module in modules:
                    yield node.module


def list_product() -> list[Path]:
    """List the Python files that are installed."""
    return [*(path for area in PRODUCT for path in list_files(area)), ROOT / "app.py"]


def read_graph() -> dict[str, set[str]]:
    """Read which modules each module of the product imports."""
    modules = {find_module_name(path): path for path in list_product()}
    names = set(modules)
    return {name: set(list_imports(path, names)) - {name} for name, path in modules.items()}


def find_circles(graph: dict[str, set[str]]) -> list[list[str]]:
    """Find the groups of modules that import one another (Tarjan's strong components)."""
    index: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    circles: list[list[str]] = []

    def visit(name: str) -> None:
        index[name] = low[name] = len(index)
        stack.append(name)
        for target in graph[name]:
            if target not in index:
                visit(target)
            if target in stack:
                low[name] = min(low[name], low[target])
        if low[name] == index[name]:
            part = [stack.pop()]
            while part[-1] != name:
                part.append(stack.pop())
            if len(part) > 1:
                circles.append(sorted(part))

    for name in graph:
        if name not in index:
            visit(name)
    return circles


def count_floors(graph: dict[str, set[str]]) -> int:
    """Count the longest chain of imports, a circle counted as one floor."""
    circles = {name: circle[0] for circle in find_circles(graph) for name in circle}
    joined: dict[str, set[str]] = {}
    for name, targets in graph.items():
        own = circles.get(name, name)
        found = {circles.get(target, target) for target in targets}
        joined.setdefault(own, set()).update(found - {own})
    depth: dict[str, int] = {}

    def measure(name: str) -> int:
        if name not in depth:
            depth[name] = 1 + max((measure(target) for target in joined[name]), default=0)
        return depth[name]

    return max(measure(name) for name in joined)


def measure_functions(paths: list[Path]) -> list[int]:
    """Measure the body of each function in lines, without its docstring."""
    lengths = []
    for path in paths:
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                body = node.body[1:] if ast.get_docstring(node) else node.body
                if body:
                    lengths.append((body[-1].end_lineno or 0) - body[0].lineno + 1)
    return sorted(lengths)


def main() -> None:
    """Print the measures."""
    print("lines of code (not blank, no comment, no docstring)")
    for area in AREAS:
        print(f"  {area:12} {sum(count_lines(path) for path in list_files(area)):7,}")
    product = list_product()
    print(f"  {'product':12} {sum(count_lines(path) for path in product):7,}")

    print("entries a folder (the six fullest)")
    folders = {path.parent for area in ("cxrlib", "ui") for path in (ROOT / area).rglob("*.*")}
    counts = {
        folder: sum(entry.name != "__pycache__" for entry in folder.iterdir())
        for folder in folders
        if "__pycache__" not in folder.parts
    }
    for folder in sorted(counts, key=lambda folder: -counts[folder])[:6]:
        print(f"  {folder.relative_to(ROOT)!s:28} {counts[folder]:4}")

    modules = {find_module_name(path): path for path in product}
    graph = {name: set(list_imports(path, set(modules))) - {name} for name, path in modules.items()}
    circles = find_circles(graph)
    print(f"files {len(graph)}, floors {count_floors(graph)}, circles of files {len(circles)}")
    for circle in circles:
        print("  " + ", ".join(circle))
    packages = {name: name.rpartition(".")[0] for name in graph}
    arrows = {
        (packages[name], packages[target])
        for name, targets in graph.items()
        for target in targets
        if packages[name] != packages[target]
    }
    print(f"imports of files {sum(map(len, graph.values()))}, between folders {len(arrows)}")

    lengths = measure_functions(product)
    tenth = lengths[int(0.9 * len(lengths))]
    middle = statistics.median(lengths)
    print(f"functions {len(lengths)}: median {middle:.0f} lines, 90 % up to {tenth}")


if __name__ == "__main__":
    main()
