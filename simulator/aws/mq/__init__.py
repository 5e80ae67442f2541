"""Amazon MQ for ActiveMQ: what a broker and its clients do, by rule."""
