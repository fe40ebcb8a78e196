"""Files as streams of rows, whatever they are written in: see `opening.open_file`."""
