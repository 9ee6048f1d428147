"""What the learner sees. Streamlit lives here and in app.py, nowhere else."""
