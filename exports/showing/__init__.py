"""What the pages of a dataset version show: sentences, pictures, rows and files. Reads only."""
