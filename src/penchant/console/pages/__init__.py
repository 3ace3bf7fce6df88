"""The console's pages, one a file: each turns a desk and a request's fields into a view."""
