"""What behaviour alone says: scorers that social, drift and recommend share."""
