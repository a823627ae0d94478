"""What turns frames into numbers that metrics compare: keypoints, embeddings, features; one module an extractor."""
