"""Questions and answers for other programs: Anki, Moodle, paper, spreadsheets."""
