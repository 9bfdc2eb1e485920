"""How we introduce ourselves to servers."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, metadata

from hybridwing import __version__
from hybridwing.download.faults import DownloadError


def user_agent(contact: str = "") -> str:
    """``User-Agent`` with the project's name, version and address, and whom to write to.

    Parameters
    ----------
    contact : str
        Address of the user, such as an e-mail address; may be empty.

    Raises
    ------
    DownloadError
        If the contact does not fit into a header.

    Examples
    --------
    >>> user_agent("someone@example.org").startswith("hybridwing/")
    True
    """
    contact = contact.strip()
    if not (contact.isascii() and contact.isprintable()) or set("();") & set(contact):
        raise DownloadError(f"The contact (contact, --contact) must be plain ASCII without brackets; got {contact!r}.")
    told = "; ".join(part for part in (_project_address(), contact) if part)
    return f"hybridwing/{__version__}" + (f" ({told})" if told else "")


def _project_address() -> str:
    """Address that the installed package states for itself."""
    try:
        stated = metadata("hybridwing").get_all("Project-URL") or []
    except PackageNotFoundError:
        return ""
    addresses = [entry.split(",", 1)[-1].strip() for entry in stated]
    return f"+{addresses[0]}" if addresses else ""
