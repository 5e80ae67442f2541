"""Amazon SQS: standard and FIFO queues, receipts, and who waits in a long poll."""
