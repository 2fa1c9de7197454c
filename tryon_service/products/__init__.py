"""The product cards that stores have put: a record of each in an index, and their photos kept once by content."""
