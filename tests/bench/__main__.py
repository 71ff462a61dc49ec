"""Long measurements. Each module beside this one compares things with one another in one run.

``python -m tests.bench`` runs all of them, ``python -m tests.bench NAME ...`` some. A module offers
``tables()``, which measures and yields one table after another.
"""

import importlib
from pathlib import Path

import click
from rich.console import Console

NAMES = sorted(p.stem for p in Path(__file__).parent.glob("*.py") if p.stem != "__main__")


@click.command()
@click.argument("names", nargs=-1, type=click.Choice(NAMES))
def main(names: tuple[str, ...]) -> None:
    """Run the measurements NAMES, or all of them."""
    console = Console(width=120)
    for name in names or NAMES:
        for table in importlib.import_module(f"tests.bench.{name}").tables():
            console.print(table)


if __name__ == "__main__":
    main()
