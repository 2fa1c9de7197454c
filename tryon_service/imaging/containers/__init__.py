"""File structure of JPEG, PNG, WebP and HEIC: what a header says, and the file cut down to its pixels."""
