"""THEval's eight metrics of talking heads: Quignon, Chopin, Wang, Dantcheva, CVPR 2026 (Findings), arXiv 2511.04520.

Each looks at one video alone, with its sound; a method is good where its means are near those of real videos.
"""
