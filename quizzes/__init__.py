"""Questions as data, their grading, their coming back, and their numbers. No Streamlit, no torch."""
