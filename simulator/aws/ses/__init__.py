"""SES, as far as it says what became of mails."""
