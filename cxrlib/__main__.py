"""Run the command line: ``python -m cxrlib``."""

from cxrlib.cli import app

if __name__ == "__main__":
    app()
