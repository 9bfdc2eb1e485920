"""The suite on each supported Python: `nox`, or `nox -s tests-3.12`."""

from __future__ import annotations

import nox

nox.options.default_venv_backend = "venv"
CPU_INDEX = ("--extra-index-url", "https://download.pytorch.org/whl/cpu")


@nox.session(python=["3.10", "3.11", "3.12", "3.13"])
def tests(session: nox.Session) -> None:
    """Run every test that the installed packages allow."""
    session.install("-c", "constraints.txt", *CPU_INDEX, "-e", ".[torch,dev,docs]")
    session.run("pytest", "-n", "auto", "--dist", "worksteal", *session.posargs)


@nox.session(python="3.11")
def lint(session: nox.Session) -> None:
    """Check style, types and layers."""
    session.install("-c", "constraints.txt", *CPU_INDEX, "-e", ".[torch,dev]")
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")
    session.run("mypy")
    session.run("lint-imports", "--no-cache", "--no-logo")


@nox.session(python="3.11")
def docs(session: nox.Session) -> None:
    """Build the documentation."""
    session.install("-e", ".[docs]")
    session.run("mkdocs", "build", "--strict")
