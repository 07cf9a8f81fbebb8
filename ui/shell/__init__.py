"""The frame around every page: notice, navigation, preloading, memory, the upload gate."""
