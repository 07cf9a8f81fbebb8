"""Describe in plain words why a file could not be read or written, or a download failed."""

import errno

_READ = {
    errno.ENOENT: "there is no such file",
    errno.ENOTDIR: "there is no such file",
    errno.EACCES: "there is no permission to read the file",
    errno.EPERM: "there is no permission to read the file",
    errno.EISDIR: "it is a folder, not a file",
    errno.ELOOP: "it is a link that leads to itself",
    errno.ENAMETOOLONG: "its name is too long",
}

_WRITE = {
    errno.ENOSPC: "there is no space left on the disk",
    errno.EDQUOT: "your quota on the disk is used up",
    errno.EFBIG: "a file would be larger than allowed",
    errno.EACCES: "there is no permission",
    errno.EPERM: "there is no permission",
    errno.EROFS: "the disk is read-only",
    errno.ENOTDIR: "a file is where a folder should be",
    errno.EEXIST: "a file is where a folder should be",
}

_PROXY = "the proxy asks for a password"
# By what git or requests write, in small letters.
_NETWORK = {
    "resolve": (
        "the name of the server is not known: this machine has no network, or needs a proxy (set "
        "HTTPS_PROXY)"
    ),
    "certificate": (
        "the certificate of the server is not trusted. Behind a proxy that inspects connections, "
        "set SSL_CERT_FILE to the file of its certificates"
    ),
    "error: 407": _PROXY,
    "code 407": _PROXY,
    "407 proxy": _PROXY,
    "timed out": "the server did not answer in time",
    "refused": "the server refuses the connection",
    "incompleteread": "the connection ended early",
    "early eof": "the connection ended early",
    "not our ref": "the server has no such commit",
    "no space left": _WRITE[errno.ENOSPC],
}


def describe_read_error(error: OSError) -> str:
    """Describe, as a clause, why a file could not be read.

    Examples
    --------
    >>> describe_read_error(FileNotFoundError(errno.ENOENT, "No such file or directory"))
    'there is no such file'
    """
    return _READ.get(error.errno or 0) or (error.strerror or str(error)).lower()


def describe_write_error(error: OSError) -> str:
    """Describe, as a clause, why a file could not be written."""
    return _WRITE.get(error.errno or 0) or (error.strerror or str(error)).lower()


def describe_network_error(message: str) -> str:
    """Describe, as a clause, what a tool's message about the network means, and what helps.

    Examples
    --------
    >>> describe_network_error("fatal: unable to access 'x': Connection refused")
    'the server refuses the connection'
    >>> describe_network_error("fatal: '/tmp/407/x' is no repository.")
    "'/tmp/407/x' is no repository"
    """
    known = (words for sign, words in _NETWORK.items() if sign in message.lower())
    return next(known, message.removeprefix("fatal: ").removeprefix("error: ").rstrip("."))
