"""S3, as far as it says that objects were created."""
