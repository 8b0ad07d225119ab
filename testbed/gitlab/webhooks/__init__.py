"""Web hooks: payloads, the queue, delivery."""
