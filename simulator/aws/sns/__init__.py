"""Amazon SNS: topics and who gets a message."""
