"""Say in plain words why the system refused to read or to write a file."""

import errno

__all__ = ["describe_read_error", "describe_write_error"]

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


def describe_read_error(error: OSError) -> str:
    """Say, as a clause, why a file could not be read.

    Examples
    --------
    >>> describe_read_error(FileNotFoundError(errno.ENOENT, "No such file or directory"))
    'there is no such file'
    """
    return _READ.get(error.errno or 0) or (error.strerror or str(error)).lower()


def describe_write_error(error: OSError) -> str:
    """Say, as a clause, why a file could not be written."""
    return _WRITE.get(error.errno or 0) or (error.strerror or str(error)).lower()
