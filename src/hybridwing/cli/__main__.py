"""``python -m hybridwing.cli``."""

from hybridwing.cli import main

if __name__ == "__main__":
    main()
