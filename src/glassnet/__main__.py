"""The door of the command line: ``glassnet``, or ``python -m glassnet``."""

import sys


def main() -> int:
    """Run a command, and return the exit code."""
    try:
        from glassnet.cli import run

        return run(sys.argv[1:])
    except KeyboardInterrupt:  # where there is nobody yet to say it better
        print("glassnet: stopped", file=sys.stderr)
        return 130
    except ModuleNotFoundError as error:
        if error.name not in ("typer", "rich"):
            raise
        print(
            'glassnet: the command line needs typer and rich: pip install "glassnet[cli]"',
            file=sys.stderr,
        )
        return 2


if __name__ == "__main__":
    sys.exit(main())
