"""AWS Lambda: concurrency of functions, and their event source mappings for SQS."""
