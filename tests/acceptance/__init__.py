"""The warehouse run as its users run it, against answers known from elsewhere."""
