"""What a report is made from: records, tables beside them, images."""
