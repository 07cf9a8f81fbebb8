"""What libraries do not do about processes, files and the operating system."""
