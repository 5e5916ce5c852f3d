"""``python -m mockskaha`` is ``mockskaha``."""

from mockskaha.cli import main

if __name__ == "__main__":
    main()
