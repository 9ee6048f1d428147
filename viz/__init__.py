"""Charts: data -> NamedTuple of numbers -> plotly Figure. No Streamlit, no torch, no files but words.toml: one chart a module."""
