"""Where results are kept: the store, whole writes of files, tables as JSON."""
