"""Charts: data -> NamedTuple of numbers -> plotly Figure. No Streamlit, no torch, no files: one chart a module."""
