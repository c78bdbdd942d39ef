"""Tables as text: Markdown, CSV, LaTeX."""
