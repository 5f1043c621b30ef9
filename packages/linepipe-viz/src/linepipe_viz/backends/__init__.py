"""Output formats: SVG, plotly figures, Mermaid and plain text. One module a format."""
