"""The report for the eyes: one folder with a page of tables, pictures of metrics, clips and videos in step."""
