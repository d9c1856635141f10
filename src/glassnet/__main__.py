"""The door of the command line: ``glassnet``, or ``python -m glassnet``."""

import sys


def main() -> int:
    """Run a command, and return the exit code."""
    try:
        from glassnet.cli import run
    except ModuleNotFoundError as error:
        if error.name not in ("typer", "rich"):
            raise
        print(
            'glassnet: the command line needs typer and rich: pip install "glassnet[cli]"',
            file=sys.stderr,
        )
        return 2
    return run(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
