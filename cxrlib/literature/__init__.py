"""What the papers and standards print: their tables as files, and what is read from them."""
