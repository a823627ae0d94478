"""The parts of the page: a template, styles and scripts, put into one index.html when a report is written."""
