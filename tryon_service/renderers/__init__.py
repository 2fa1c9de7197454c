"""An appearance and a target pose to a picture; one file each."""
