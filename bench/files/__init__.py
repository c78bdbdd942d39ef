"""Files and the process around them: atomic writing, safe names, checksummed JSON, limits of the machine."""
