"""Closing the books: closes, restatements, looking back, statements, workbook."""
