"""Pages where people look instead of reading logs."""
