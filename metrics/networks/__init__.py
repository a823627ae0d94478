"""Networks behind extractors, laid out as the files that their authors published."""
